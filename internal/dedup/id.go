package dedup

import (
	"strconv"
	"strings"
)

// A CallerKey is one incarnation of a node: another one numbers its calls anew. Without an
// Incarnation the calls are told apart by their msg_id, and a number may come again.
type CallerKey struct{ Src, Incarnation string }

func (k CallerKey) size() int { return callerSize + len(k.Src) + len(k.Incarnation) }

// An ID is what tells a call from all others.
type ID struct {
	CallerKey
	Number uint64 // less than 1<<63
	Body   uint64 // a hash, if there is no Incarnation
}

// maxIncarnation is the length of the longest name of an incarnation.
const maxIncarnation = 64

// ParseCallID reads a call id of a node. It returns false if the text is none.
func ParseCallID(src, text string) (id ID, ok bool) {
	slash := strings.LastIndexByte(text, '/')
	if slash < 1 || slash > maxIncarnation {
		return id, false
	}
	number, err := strconv.ParseUint(text[slash+1:], 10, 63)
	return ID{CallerKey: CallerKey{src, text[:slash]}, Number: number}, err == nil
}

package sim

import (
	"io"
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/canonical"
)

// BodyHash returns a hash of a body's canonical form without the members that
// differ from run to run:
//
//   - msg_id and in_reply_to, at any depth. A relay's reply contains another
//     node's reply with its ids. If these ids counted, two runs in which n1 sends
//     its messages in different orders would give the replies different fates.
//   - call, deadline_ms and retry, at the top level: a random id, the remaining
//     time, and a flag that differs between attempts. Bodies that differ only in
//     these members share one sequence of fates, in the order of sending.
func BodyHash(body []byte) uint64 {
	if hash, ok := plainHash(body); ok {
		return hash
	}
	return decodedHash(body)
}

// decodedHash is BodyHash for a body of any kind.
func decodedHash(body []byte) uint64 {
	h := hashers.Get().(*hasher)
	defer hashers.Put(h)
	h.reset(canonical.JSON(body))
	if h.value(0) != nil {
		return xxhash.Sum64(body) // not JSON: every byte counts
	}
	if _, err := h.dec.ReadToken(); err != io.EOF {
		return xxhash.Sum64(body)
	}
	return h.sum.Sum64()
}

// A hasher hashes a canonical value with buffers that it reuses.
type hasher struct {
	text strings.Reader
	dec  *jsontext.Decoder
	sum  xxhash.Digest
}

var hashers = sync.Pool{New: func() any { return &hasher{dec: new(jsontext.Decoder)} }}

func (h *hasher) reset(text string) {
	h.text.Reset(text)
	h.dec.Reset(&h.text, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	h.sum.Reset()
}

// value hashes the next value, which is in depth objects and arrays.
func (h *hasher) value(depth int) error {
	kind := h.dec.PeekKind()
	if kind != '{' && kind != '[' {
		raw, err := h.dec.ReadValue()
		h.sum.Write(raw)
		return err
	}
	if _, err := h.dec.ReadToken(); err != nil {
		return err
	}
	h.sum.WriteString(kind.String())
	for next := h.dec.PeekKind(); next != '}' && next != ']'; next = h.dec.PeekKind() {
		if kind == '{' {
			name, err := h.dec.ReadValue()
			if err != nil {
				return err
			}
			if !counts(name, depth) {
				if err := h.dec.SkipValue(); err != nil {
					return err
				}
				continue
			}
			h.sum.Write(name)
		}
		if err := h.value(depth + 1); err != nil {
			return err
		}
		h.sum.WriteString(",")
	}
	end, err := h.dec.ReadToken()
	h.sum.WriteString(end.Kind().String())
	return err
}

// counts reports whether a member, whose quoted name is given, is hashed.
func counts(name []byte, depth int) bool {
	switch string(name) {
	case `"msg_id"`, `"in_reply_to"`:
		return false
	case `"call"`, `"deadline_ms"`, `"retry"`:
		return depth > 0
	}
	return true
}

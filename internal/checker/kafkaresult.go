package checker

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/canonical"
	"github.com/eddyrpc/eddy/internal/message"
)

// A LogEntry is a message of a log with its offset.
type LogEntry struct{ Offset, Message int64 }

// Polled are the entries of one key that a poll returned, in their order.
type Polled struct {
	Key     int64
	Entries []LogEntry
}

// A KeyOffset is an offset of a key.
type KeyOffset struct{ Key, Offset int64 }

// maxOffset is the greatest offset. The next offset is an integer, too.
const maxOffset = math.MaxInt64 - 1

// ParseOffset parses an offset. Integers from 0 to 2^63-2 are offsets.
func ParseOffset(v jsontext.Value) (int64, error) {
	n, ok := canonical.Int(v)
	if !ok || n < 0 || n > maxOffset {
		return 0, fmt.Errorf("an offset must be an integer from 0 to 2^63-2")
	}
	return n, nil
}

// ParsePolled parses the msgs of a poll_ok: an object that maps keys to arrays of
// [offset, message].
func ParsePolled(msgs jsontext.Value) (all []Polled, err error) {
	fields, err := objectFields(msgs)
	if err != nil {
		return nil, fmt.Errorf("its msgs must be an object")
	}
	for _, f := range fields {
		key, err := parseKey(f.Name)
		if err != nil {
			return nil, err
		}
		entries, ok := parseEntries(f.Value)
		if !ok {
			return nil, fmt.Errorf("its msgs must map keys to arrays of [offset, message], where an offset is an integer from 0 to 2^63-2 and a message is an integer")
		}
		all = append(all, Polled{key, entries})
	}
	return all, nil
}

// ParseOffsets parses an object that maps keys to offsets. It returns them in the
// order of their keys.
func ParseOffsets(offsets jsontext.Value) (all []KeyOffset, err error) {
	fields, err := objectFields(offsets)
	if err != nil {
		return nil, fmt.Errorf("its offsets must be an object")
	}
	for _, f := range fields {
		key, err := parseKey(f.Name)
		if err != nil {
			return nil, err
		}
		offset, err := ParseOffset(f.Value)
		if err != nil {
			return nil, fmt.Errorf("its offsets must map keys to offsets: %w", err)
		}
		all = append(all, KeyOffset{key, offset})
	}
	slices.SortStableFunc(all, func(a, b KeyOffset) int { return cmp.Compare(a.Key, b.Key) })
	return all, nil
}

// objectFields returns the members of an object.
func objectFields(v jsontext.Value) ([]message.Field, error) {
	if v.Kind() != '{' {
		return nil, fmt.Errorf("not an object")
	}
	return message.Fields(v)
}

func parseKey(name string) (int64, error) {
	key, err := strconv.ParseInt(name, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("it has the key %q, which no client uses", name)
	}
	return key, nil
}

// parseKeys parses an array of keys.
func parseKeys(v jsontext.Value) (keys []int64, err error) {
	var names []string
	if err := json.Unmarshal(v, &names); err != nil {
		return nil, err
	}
	for _, name := range names {
		key, err := parseKey(name)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// parseEntries parses an array of pairs of integers. It does not use a JSON decoder,
// because a test may have millions of them.
func parseEntries(v jsontext.Value) (entries []LogEntry, ok bool) {
	p := pairParser{text: v}
	if !p.next('[') {
		return nil, false
	}
	if p.next(']') {
		return nil, p.atEnd()
	}
	for {
		if !p.next('[') {
			return nil, false
		}
		offset, ok1 := p.integer()
		comma := p.next(',')
		value, ok2 := p.integer()
		if !ok1 || !comma || !ok2 || !p.next(']') || offset < 0 || offset > maxOffset {
			return nil, false
		}
		entries = append(entries, LogEntry{offset, value})
		if !p.next(',') {
			return entries, p.next(']') && p.atEnd()
		}
	}
}

// isNumeral reports whether a byte occurs in numbers.
func isNumeral(c byte) bool {
	return '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

// A pairParser parses punctuation and integers of valid JSON.
type pairParser struct {
	text []byte
	at   int
}

func (p *pairParser) skipBlanks() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t' || p.text[p.at] == '\n' || p.text[p.at] == '\r') {
		p.at++
	}
}

func (p *pairParser) atEnd() bool { p.skipBlanks(); return p.at == len(p.text) }

// next skips c and reports whether it was there.
func (p *pairParser) next(c byte) bool {
	p.skipBlanks()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *pairParser) integer() (int64, bool) {
	p.skipBlanks()
	start := p.at
	for p.at < len(p.text) && isNumeral(p.text[p.at]) {
		p.at++
	}
	return canonical.Int(p.text[start:p.at])
}

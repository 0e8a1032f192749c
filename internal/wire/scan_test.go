package wire

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// nested returns n arrays, one in another.
func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// Scan reads a part of a message, and a message with one byte changed, as the naive
// reader does.
func TestScanCutOrChanged(t *testing.T) {
	line := []byte(`{"src": "c1","dest":"né","body":{"t\u0079pe":"echo","msg_id":21,"a":[true,null,-1.5e3,"\\"]}}`)
	var m Message
	for end := range line {
		if err := m.Scan(line[:end:end]); err == nil {
			t.Errorf("%s is read as a message", line[:end])
		}
	}
	for i := range line {
		for b := range byte(0x80) {
			changed := bytes.Clone(line)
			changed[i] = b
			against(t, changed)
			changed[i] |= 0x80
			if err := m.Scan(changed); err == nil && !utf8.Valid(changed) {
				t.Errorf("%q is read as a message", changed)
			}
		}
	}
}

// FuzzScanAgainstJSONText compares Scan with a naive reader that uses jsontext, which
// checks JSON by a stricter standard (RFC 7493, I-JSON).
func FuzzScanAgainstJSONText(f *testing.F) {
	for _, tt := range faults {
		f.Add([]byte(strings.Replace(tt.line, "‸", "", 1)))
	}
	f.Add([]byte(echoLine))
	f.Add([]byte(`{"src": "c1","dest":"né","body":{"t\u0079pe":"echo","msg_id":21,"a":[true,null,-1.5e3,"\\"]}}`))
	f.Add([]byte(`{"src":"c1","dest":"n1","body":{"type":"\ud83d\ude00\ud800","a":1,"a":2,"in_reply_to":0}}`))
	f.Add([]byte(nested(1000)))
	f.Add([]byte(nested(1001)))
	f.Add([]byte(`{"body":` + nested(999) + `}`))
	f.Add([]byte(`{"body":{"a":` + nested(9999) + `}}`))
	f.Fuzz(func(t *testing.T, line []byte) { against(t, line) })
}

// against fails if Scan and the naive reader read a line differently.
func against(t *testing.T, line []byte) {
	t.Helper()
	var m Message
	err := m.Scan(line)
	notJSON := err != nil && strings.HasPrefix(err.Error(), "not JSON: ")
	if want := !isJSON(t, line); notJSON != want {
		t.Fatalf("%q: error %v, but the naive reader says that not JSON is %v", line, err, want)
	}
	if notJSON {
		var e *Error
		if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(line) {
			t.Fatalf("%q: wrong offset: %#v", line, err)
		}
		return
	}
	want, ok := readNaively(line)
	if ok != (err == nil) {
		t.Fatalf("%q: error %v, but the naive reader says that a message is %v", line, err, ok)
	}
	if ok && (string(m.Src) != want.src || string(m.Dest) != want.dest || string(m.Type) != want.typ ||
		m.Body.ID != want.id || m.Body.InReplyTo != want.inReplyTo || string(m.Raw) != want.body) {
		t.Fatalf("%q: read %+v, want %+v", line, m, want)
	}
}

// isJSON returns what jsontext says, except where Scan differs on purpose. It fails if
// the text does not have what they differ about.
func isJSON(t *testing.T, line []byte) bool {
	t.Helper()
	value := jsontext.Value(line)
	verdict := value.IsValid()
	if !verdict && value.IsValid(jsontext.AllowDuplicateNames(true)) {
		if !repeatsName(line) {
			t.Fatalf("%q: jsontext says that a name repeats, which is not true", line)
		}
		verdict = true // 1: names may repeat; the reserved keys are checked later
	}
	if !verdict && utf8.Valid(line) && value.IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		if !hasLoneSurrogate(line) {
			t.Fatalf("%q: jsontext says that there is a lone surrogate, which is not true", line)
		}
		verdict = true // 2: escapes of lone surrogates are valid
	}
	return verdict && depth(line) <= 1000 // 3: the bound of jsontext is 10,000
}

// lenient returns a reader of the tokens of whatever is JSON by the grammar.
func lenient(text []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// tokens returns the brackets and the encoded strings, numbers and literals.
func tokens(text []byte) []string {
	var all []string
	for d := lenient(text); ; {
		switch d.PeekKind() {
		case '{', '}', '[', ']':
			token, err := d.ReadToken()
			if err != nil {
				return append(all, err.Error())
			}
			all = append(all, token.String())
		default:
			raw, err := d.ReadValue()
			if err == io.EOF {
				return all
			}
			if err != nil {
				return append(all, err.Error())
			}
			all = append(all, string(raw))
		}
	}
}

func depth(text []byte) (deepest int) {
	at := 0
	for _, token := range tokens(text) {
		switch token {
		case "{", "[":
			at++
			deepest = max(deepest, at)
		case "}", "]":
			at--
		}
	}
	return deepest
}

func repeatsName(text []byte) bool {
	var seen []map[string]bool
	d := lenient(text)
	for {
		level := d.StackDepth()
		kind, length := d.StackIndex(level)
		token, err := d.ReadToken()
		switch {
		case err != nil:
			return false
		case token.Kind() == '{', token.Kind() == '[':
			seen = append(seen[:level], map[string]bool{})
		case token.Kind() == '"' && kind == '{' && length%2 == 0:
			if name := token.String(); seen[level-1][name] {
				return true
			} else {
				seen[level-1][name] = true
			}
		}
	}
}

func hasLoneSurrogate(text []byte) bool {
	return slices.ContainsFunc(tokens(text), func(token string) bool {
		if token[0] != '"' {
			return false
		}
		high := false
		for i := 1; i < len(token); i++ {
			unit := int64(0)
			if token[i] == '\\' {
				i++
				if token[i] == 'u' {
					unit, _ = strconv.ParseInt(token[i+1:i+5], 16, 64)
					i += 4
				}
			}
			low := unit>>10 == 0xdc00>>10
			if low != high {
				return true
			}
			high = unit>>10 == 0xd800>>10
		}
		return false
	})
}

type naive struct {
	src, dest, typ, body string
	id, inReplyTo        int64
}

// readNaively reads valid JSON as a message, by maps.
func readNaively(line []byte) (m naive, ok bool) {
	envelope, ok := memberValues(line)
	if !ok || len(envelope["body"]) != 1 || len(envelope["src"]) != 1 || len(envelope["dest"]) != 1 {
		return m, false
	}
	m.body = string(envelope["body"][0])
	fields, ok := memberValues([]byte(m.body))
	if !ok || len(fields["type"]) != 1 {
		return m, false
	}
	for _, s := range []struct {
		into *string
		raw  jsontext.Value
	}{{&m.src, envelope["src"][0]}, {&m.dest, envelope["dest"][0]}, {&m.typ, fields["type"][0]}} {
		if s.raw.Kind() != '"' {
			return m, false
		}
		text, _ := jsontext.AppendUnquote(nil, s.raw) // errors are lone surrogates
		*s.into = string(text)
	}
	for name, into := range map[string]*int64{"msg_id": &m.id, "in_reply_to": &m.inReplyTo} {
		*into = NoID
		if len(fields[name]) == 0 {
			continue
		}
		if len(fields[name]) > 1 {
			return m, false
		}
		if string(fields[name][0]) == "null" {
			continue
		}
		n, err := strconv.ParseInt(string(fields[name][0]), 10, 64)
		if err != nil || n < 0 || fields[name][0][0] == '-' {
			return m, false
		}
		*into = n
	}
	return m, m.src != "" && m.dest != ""
}

func memberValues(raw []byte) (values map[string][]jsontext.Value, ok bool) {
	d := lenient(raw)
	if d.PeekKind() != '{' {
		return nil, false
	}
	d.ReadToken()
	values = make(map[string][]jsontext.Value)
	for d.PeekKind() == '"' {
		name, _ := d.ReadToken()
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, false
		}
		values[key] = append(values[key], value.Clone())
	}
	return values, true
}

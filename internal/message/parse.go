package message

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// A reader reads objects, one at a time, with buffers that it reuses.
type reader struct {
	dec  *jsontext.Decoder
	text bytes.Reader
}

var readers = sync.Pool{New: func() any { return new(reader) }}

// A value may have a name twice. The reserved ones are checked here.
//
// A lone surrogate's escape is allowed: it is invalid UTF-8 to jsontext. Bytes
// that are invalid are rejected here.
var lax = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

func (r *reader) reset(text []byte) {
	r.text.Reset(text)
	if r.dec == nil {
		r.dec = jsontext.NewDecoder(&r.text, lax...)
		return
	}
	r.dec.Reset(&r.text, lax...)
}

// Parse parses one line. The message's body is a part of line. The error says
// why the line is not a message; it begins with "not JSON" if the line is not
// JSON. An id that is null is None.
func Parse(line []byte) (Message, error) {
	m, flaws, err := ParseAny(line)
	return m, firstError(flaws, err)
}

// ParseAny parses one line whose body may be any object. It returns what is unusual
// in the message, in its order; where a value is not what it should be, the field of
// the message is empty or None. Of further fields of the envelope it returns only the
// first. An integer with the name id is not unusual, since Maelstrom accepts it. The error
// says why the line is not JSON, or why the envelope is wrong; it begins with "not JSON"
// if the line is not JSON.
func ParseAny(line []byte) (Message, []Flaw, error) {
	r := readers.Get().(*reader)
	defer readers.Put(r)
	m := Message{ID: None, InReplyTo: None}
	if len(bytes.TrimSpace(line)) == 0 {
		return m, nil, errors.New("not JSON: an empty line")
	}
	var seen members
	var flaws []Flaw
	further := false
	err := r.object(line, func(name, value []byte) (err error) {
		switch {
		case is(name, "src"):
			if string(value) == "null" {
				flaws = append(flaws, Flaw{"src", Null, "src is not a string"})
			} else {
				m.Src, err = readName(value, "src")
			}
			return seen.add(1, "src", err)
		case is(name, "dest"):
			m.Dest, err = readName(value, "dest")
			return seen.add(2, "dest", err)
		case is(name, "body"):
			if m.Body = value; value[0] != '{' {
				err = errors.New("body is not an object")
			}
			return seen.add(4, "body", err)
		case is(name, "id") && strings.Trim(string(value), "-0123456789") == "":
		case !further:
			further = true
			flaws = append(flaws, Flaw{string(name), Further, "the envelope has further fields"})
		}
		return nil
	})
	switch {
	case err != nil:
		return m, nil, err
	case seen&1 == 0:
		return m, nil, errors.New("src is missing")
	case seen&2 == 0:
		return m, nil, errors.New("dest is missing")
	case seen&4 == 0:
		return m, nil, errors.New("body is missing")
	}
	ofBody, err := r.body(&m)
	return m, append(flaws, ofBody...), err
}

// body reads the type and the ids from a message's body.
func (r *reader) body(m *Message) (flaws []Flaw, err error) {
	var seen members
	note := func(field string, kind FlawKind, err error) {
		if _, twice := err.(errTwice); twice {
			kind = Wrong
		}
		if err != nil {
			flaws = append(flaws, Flaw{field, kind, err.Error()})
		}
	}
	err = r.object(m.Body, func(name, value []byte) (err error) {
		var kind FlawKind
		switch {
		case is(name, "type"):
			m.Type, err = readName(value, "body.type")
			note("type", Wrong, seen.add(1, "body.type", err))
		case is(name, "msg_id"):
			m.ID, kind, err = readID(value, "body.msg_id")
			note("msg_id", kind, seen.add(2, "body.msg_id", err))
		case is(name, "in_reply_to"):
			m.InReplyTo, kind, err = readID(value, "body.in_reply_to")
			note("in_reply_to", kind, seen.add(4, "body.in_reply_to", err))
		}
		return nil
	})
	if err == nil && seen&1 == 0 {
		note("type", Wrong, errors.New("body.type is missing"))
	}
	return flaws, err
}

// An errTwice says that a reserved member is given twice.
type errTwice string

func (e errTwice) Error() string { return string(e) }

// members is the set of reserved members that an object has.
type members uint8

func (s *members) add(bit members, name string, err error) error {
	if *s&bit != 0 {
		return errTwice(name + " is given twice")
	}
	*s |= bit
	return err
}

// object calls f with each member of the object that text consists of: the
// name as it is written, with its quotes, and the value. Both are parts of text.
// It returns f's first error, unless text is not a JSON object.
func (r *reader) object(text []byte, f func(name, value []byte) error) error {
	if !utf8.Valid(text) {
		return errors.New("not JSON: invalid UTF-8")
	}
	r.reset(text)
	start, err := r.dec.ReadToken()
	if err != nil {
		return notJSON(err)
	}
	if start.Kind() != '{' {
		if !jsontext.Value(text).IsValid(lax...) {
			return errors.New("not JSON")
		}
		return errors.New("not a JSON object")
	}
	var wrong error
	for r.dec.PeekKind() == '"' {
		name, err := r.value(text)
		if err != nil {
			return notJSON(err)
		}
		value, err := r.value(text)
		if err != nil {
			return notJSON(err)
		}
		if wrong == nil {
			wrong = f(name, value)
		}
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return notJSON(err)
	}
	if _, err := r.dec.ReadToken(); err != io.EOF {
		return errors.New("not JSON: more follows after the object")
	}
	return wrong
}

// value reads the next value of text and returns that part of it.
func (r *reader) value(text []byte) ([]byte, error) {
	value, err := r.dec.ReadValue()
	end := int(r.dec.InputOffset())
	return text[end-len(value) : end : end], err
}

func notJSON(err error) error {
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("not JSON: it ends too early")
	case errors.As(err, &syntactic):
		return fmt.Errorf("not JSON: %v at byte %d", syntactic.Err, syntactic.ByteOffset+1)
	}
	return fmt.Errorf("not JSON: %w", err)
}

// is reports whether a quoted name is name.
func is(quoted []byte, name string) bool { return string(unquoted(quoted)) == name }

// Unquote decodes a JSON string. A lone surrogate becomes U+FFFD.
func Unquote(quoted []byte) string { return string(unquoted(quoted)) }

// unquoted is Unquote for bytes. They are a part of quoted if it has no escape.
func unquoted(quoted []byte) []byte {
	if len(quoted) > 1 && quoted[0] == '"' && bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	text, _ := jsontext.AppendUnquote(nil, quoted) // the error reports a lone surrogate
	return text
}

// readName reads a string that must not be empty.
func readName(value []byte, what string) (string, error) {
	if value[0] != '"' {
		return "", errors.New(what + " is not a string")
	}
	s := Unquote(value)
	if s == "" {
		return "", errors.New(what + " is empty")
	}
	return s, nil
}

// readID reads an id. The kind says what is wrong with it if there is an error.
func readID(value []byte, what string) (int64, FlawKind, error) {
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err == nil && n >= 0 && string(value) != "-0" {
		return n, Wrong, nil
	}
	kind := Wrong
	switch {
	case string(value) == "null":
		kind = Null
	case strings.Trim(string(value), "0123456789") == "":
		kind = Large
	}
	return None, kind, errors.New(what + " is not an integer from 0 to 2^63-1")
}

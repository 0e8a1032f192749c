// Package message reads and writes the lines that a test's network carries.
//
// It shares nothing with the library's own reader: the workbench would not see
// a fault that both have.
package message

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
)

// A Message is one line, taken apart. Its body is a view into the line.
type Message = sim.Message

// None stands where a message has no such id.
const None = sim.None

// A Reader reads lines, one at a time, with buffers that it uses again. Its
// zero value works. It is for one goroutine.
type Reader struct {
	dec   *jsontext.Decoder
	text  bytes.Reader
	names map[string]string // so that the few names and types are allocated once
}

var loose = []jsontext.Options{jsontext.AllowDuplicateNames(true)}

func (r *Reader) reset(text []byte) {
	r.text.Reset(text)
	if r.dec == nil {
		r.dec = jsontext.NewDecoder(&r.text, loose...)
		r.names = map[string]string{}
		return
	}
	r.dec.Reset(&r.text, loose...)
}

// Read reads one line. An error says in a few words why it is no message: what
// isn't JSON begins with "not JSON".
func (r *Reader) Read(line []byte) (Message, error) {
	m := Message{ID: None, InReplyTo: None}
	if len(bytes.TrimSpace(line)) == 0 {
		return m, errors.New("not JSON: an empty line")
	}
	var body []byte
	seen := 0
	err := r.members(line, func(name string, value jsontext.Value) error {
		bit, err := 0, error(nil)
		switch name {
		case "src":
			bit = 1
			m.Src, err = r.name(value, "src")
		case "dest":
			bit = 2
			m.Dest, err = r.name(value, "dest")
		case "body":
			bit = 4
			if value.Kind() != '{' {
				err = errors.New("body is not an object")
			}
			end := int(r.dec.InputOffset())
			body = line[end-len(value) : end]
		}
		if seen&bit != 0 {
			return fmt.Errorf("%s is given twice", name)
		}
		seen |= bit
		return err
	})
	switch {
	case err != nil:
		return m, err
	case seen&1 == 0:
		return m, errors.New("src is missing")
	case seen&2 == 0:
		return m, errors.New("dest is missing")
	case seen&4 == 0:
		return m, errors.New("body is missing")
	}
	m.Body = body
	return m, r.body(&m)
}

func (r *Reader) body(m *Message) error {
	seen := 0
	err := r.members(m.Body, func(name string, value jsontext.Value) error {
		bit, err := 0, error(nil)
		switch name {
		case "type":
			bit = 1
			m.Type, err = r.name(value, "body.type")
		case "msg_id":
			bit = 2
			m.ID, err = readID(value, name)
		case "in_reply_to":
			bit = 4
			m.InReplyTo, err = readID(value, name)
		}
		if seen&bit != 0 {
			return fmt.Errorf("body.%s is given twice", name)
		}
		seen |= bit
		return err
	})
	if err == nil && seen&1 == 0 {
		err = errors.New("body.type is missing")
	}
	return err
}

// members calls f with each member of an object that is all there is in text.
func (r *Reader) members(text []byte, f func(string, jsontext.Value) error) error {
	r.reset(text)
	start, err := r.dec.ReadToken()
	if err != nil {
		return notJSON(err)
	}
	if start.Kind() != '{' {
		if !jsontext.Value(text).IsValid(loose...) {
			return errors.New("not JSON")
		}
		return errors.New("not a JSON object")
	}
	var wrong error
	for r.dec.PeekKind() == '"' {
		raw, err := r.dec.ReadValue()
		if err != nil {
			return notJSON(err)
		}
		name, err := r.intern(raw)
		if err != nil {
			return notJSON(err)
		}
		value, err := r.dec.ReadValue()
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
		return errors.New("not JSON: something follows the object")
	}
	return wrong
}

func notJSON(err error) error {
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("not JSON: the line ends too soon")
	case errors.As(err, &syntactic):
		return fmt.Errorf("not JSON: %v at byte %d", syntactic.Err, syntactic.ByteOffset)
	}
	return fmt.Errorf("not JSON: %w", err)
}

// intern decodes a string. Short ones are allocated once.
func (r *Reader) intern(raw []byte) (string, error) {
	if len(raw) > 34 || bytes.IndexByte(raw, '\\') >= 0 {
		text, err := jsontext.AppendUnquote(nil, raw)
		return string(text), err
	}
	if s, ok := r.names[string(raw)]; ok {
		return s, nil
	}
	if len(r.names) > 1000 {
		clear(r.names)
	}
	text, err := jsontext.AppendUnquote(nil, raw)
	if err == nil {
		r.names[string(raw)] = string(text)
	}
	return string(text), err
}

// name reads a string that must not be empty.
func (r *Reader) name(value jsontext.Value, what string) (string, error) {
	if value.Kind() != '"' {
		return "", errors.New(what + " is not a string")
	}
	s, err := r.intern(value)
	if err == nil && s == "" {
		err = errors.New(what + " is empty")
	}
	return s, err
}

func readID(value jsontext.Value, what string) (int64, error) {
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || n < 0 || string(value) == "-0" {
		return None, fmt.Errorf("body.%s is not an integer from 0 to 2^63-1", what)
	}
	return n, nil
}

// Append appends the line of a message, without its newline, to b.
func Append(b []byte, src, dest string, body []byte) []byte {
	b = append(b, `{"src":`...)
	b = appendString(b, src)
	b = append(b, `,"dest":`...)
	b = appendString(b, dest)
	b = append(b, `,"body":`...)
	return append(append(b, body...), '}')
}

func appendString(b []byte, s string) []byte {
	quoted, err := jsontext.AppendQuote(b, s)
	if err != nil { // not UTF-8; our own names always are
		return strconv.AppendQuote(b, s)
	}
	return quoted
}

// WithIDs returns a body, which has no ids, with those that are not None.
func WithIDs(body []byte, inReplyTo, id int64) []byte {
	b := make([]byte, 0, len(body)+48)
	b = append(b, body[:len(body)-1]...)
	if inReplyTo != None {
		b = strconv.AppendInt(append(b, `,"in_reply_to":`...), inReplyTo, 10)
	}
	if id != None {
		b = strconv.AppendInt(append(b, `,"msg_id":`...), id, 10)
	}
	return append(b, '}')
}

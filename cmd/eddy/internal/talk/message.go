package talk

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/shorthand"
)

// A message is one line of the protocol, taken apart for showing. It never goes
// back onto the wire: what is sent is the text that it was read from.
type message struct {
	src, dest string
	typ       string
	msgID     id
	inReplyTo id
	fields    []shorthand.Field // the rest of the body, in its order
}

// An id is a msg_id or in_reply_to, if there is one that is an integer.
type id struct {
	n  int64
	ok bool
}

func (m message) isRequest() bool { return m.msgID.ok && !m.inReplyTo.ok }

// readMessage reads a message. The error says in a few words why it is none.
func readMessage(line []byte) (message, error) {
	m := message{}
	if len(line) == 0 {
		return m, errors.New("an empty line")
	}
	envelope, err := shorthand.Fields(line)
	if errors.Is(err, shorthand.ErrNotObject) {
		return m, fmt.Errorf("not a message: %w", err)
	} else if err != nil {
		return m, err
	}
	var body jsontext.Value
	for _, part := range []struct {
		name string
		read func(jsontext.Value) error
	}{
		{"src", func(v jsontext.Value) error { return readString(v, &m.src) }},
		{"dest", func(v jsontext.Value) error { return readString(v, &m.dest) }},
		{"body", func(v jsontext.Value) error { body = v; return nil }},
	} {
		value := find(envelope, part.name)
		if value == nil {
			return m, fmt.Errorf("not a message: %s is missing", part.name)
		}
		if err := part.read(value); err != nil {
			return m, fmt.Errorf("not a message: %s is %w", part.name, err)
		}
	}
	if m.fields, err = shorthand.Fields(body); err != nil {
		return m, fmt.Errorf("not a message: body is %w", err)
	}
	typ := find(m.fields, "type")
	if typ == nil {
		return m, errors.New("not a message: body has no type")
	}
	if err := readString(typ, &m.typ); err != nil {
		return m, fmt.Errorf("not a message: type is %w", err)
	}
	m.msgID = readID(find(m.fields, "msg_id"))
	m.inReplyTo = readID(find(m.fields, "in_reply_to"))
	// What has a column of its own is not a field any more; an id that is no
	// integer stays one, so that it is seen.
	m.fields = slices.DeleteFunc(m.fields, func(f shorthand.Field) bool {
		return f.Name == "type" ||
			f.Name == "msg_id" && m.msgID.ok ||
			f.Name == "in_reply_to" && m.inReplyTo.ok
	})
	return m, nil
}

// find returns the first field of a name, or nil.
func find(fields []shorthand.Field, name string) jsontext.Value {
	for _, f := range fields {
		if f.Name == name {
			return f.Value
		}
	}
	return nil
}

func readString(value jsontext.Value, to *string) error {
	if value.Kind() != '"' {
		return errors.New("not a string")
	}
	text, err := jsontext.AppendUnquote(nil, value)
	*to = string(text)
	return err
}

func readID(value jsontext.Value) id {
	n, err := strconv.ParseInt(string(value), 10, 64)
	return id{n, err == nil}
}

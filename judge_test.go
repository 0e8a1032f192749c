package eddy_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A message is a line that a node has written, read by another JSON library than the
// node's.
type message struct {
	Src, Dest string
	Body      struct {
		Type      *string `json:"type"`
		ID        *int64  `json:"msg_id"`
		InReplyTo *int64  `json:"in_reply_to"`
	}
	Failed struct { // the body of an error reply
		Code int64  `json:"code"`
		Text string `json:"text"`
	}
}

func (m *message) is(typ string) bool { return m.Body.Type != nil && *m.Body.Type == typ }

// The bodies that a node passes on may repeat names and have escapes of lone surrogates.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// judge reads a line that a node has written. The error says what is wrong with it.
func judge(line string) (m message, err error) {
	if !utf8.ValidString(line) {
		return m, errors.New("not UTF-8")
	}
	var envelope struct {
		Src  string         `json:"src"`
		Dest string         `json:"dest"`
		Body jsontext.Value `json:"body"`
	}
	if err := json.Unmarshal([]byte(line), &envelope, lenient); err != nil {
		return m, err
	}
	m.Src, m.Dest = envelope.Src, envelope.Dest
	if err := json.Unmarshal(envelope.Body, &m.Body, lenient); err != nil {
		return m, err
	}
	if m.is("error") && m.Body.InReplyTo != nil {
		if err := json.Unmarshal(envelope.Body, &m.Failed, lenient); err != nil {
			return m, err
		}
	}
	if keys := members(jsontext.Value(line)); !slices.Equal(keys, []string{"src", "dest", "body"}) {
		return m, fmt.Errorf("the envelope has %q", keys)
	}
	own := members(envelope.Body)
	if m.Body.ID != nil {
		own, err = cutLast(own, "msg_id")
	}
	if m.Body.InReplyTo != nil && err == nil {
		own, err = cutLast(own, "in_reply_to")
	}
	switch {
	case err != nil:
	case m.Src == "" || m.Dest == "":
		err = errors.New("a name is empty")
	case len(own) == 0 || own[0] != "type" || m.Body.Type == nil:
		err = errors.New("type is not the first field of the body")
	case slices.Contains(own[1:], "type") || slices.Contains(own, "msg_id") || slices.Contains(own, "in_reply_to"):
		err = errors.New("a reserved field is given twice")
	case m.Body.ID != nil && *m.Body.ID < 0, m.Body.InReplyTo != nil && *m.Body.InReplyTo < 0:
		err = errors.New("an id is negative")
	}
	return m, err
}

// members returns the names in an object, in their order.
func members(object jsontext.Value) (names []string) {
	d := jsontext.NewDecoder(strings.NewReader(string(object)), lenient)
	d.ReadToken()
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return nil
		}
		names = append(names, name.String())
		if d.SkipValue() != nil {
			return nil
		}
	}
	return names
}

// cutLast removes the last name, which must be this one.
func cutLast(names []string, name string) ([]string, error) {
	if len(names) == 0 || names[len(names)-1] != name {
		return names, fmt.Errorf("%s is not the last field", name)
	}
	return names[:len(names)-1], nil
}

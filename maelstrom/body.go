package maelstrom

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/eddyrpc/eddy"
)

// received returns a message of package eddy whose body is valid until a callback returns.
func received(m eddy.Message) Message {
	return Message{Src: m.Src, Dest: m.Dest, Body: bytes.Clone(m.Body)}
}

// requestBody encodes the body of a request. The node adds the msg_id.
func requestBody(body any) (eddy.Raw, error) {
	fields, err := fieldsOf(body)
	if err != nil {
		return nil, err
	}
	delete(fields, "msg_id")
	return json.Marshal(fields)
}

// fieldsOf returns the members of a body, each as JSON text, so that no number changes.
func fieldsOf(body any) (map[string]json.RawMessage, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	if fields == nil {
		return nil, errors.New("a body must be an object and is null")
	}
	return fields, nil
}

// typeOf returns the type of a body that is written with its names in order: of names
// that differ in case, the last counts, as for the receiver.
func typeOf(fields map[string]json.RawMessage) (typ string) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if strings.EqualFold(name, "type") {
			typ, _ = eddy.Raw(fields[name]).Text()
		}
	}
	return typ
}

// member returns the value of a member of a body, nil if there is none. Case does not
// matter and the last one counts, as for encoding/json.
func member(body json.RawMessage, name string) (value eddy.Raw) {
	for n, v := range eddy.Raw(body).Members() {
		if strings.EqualFold(string(n), name) {
			value = v
		}
	}
	return value
}

package maelstrom

import (
	"bytes"
	"encoding/json"
	"errors"

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

func typeOf(fields map[string]json.RawMessage) string {
	typ, _ := eddy.Raw(fields["type"]).Text()
	return typ
}

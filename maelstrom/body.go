package maelstrom

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/eddyrpc/eddy"
)

// received is a message that outlives the line it came in.
func received(m eddy.Message) Message {
	return Message{Src: m.Src, Dest: m.Dest, Body: json.RawMessage(strings.Clone(string(m.Body)))}
}

// request is a request's body with sorted names.
func request(body any) (eddy.Raw, error) {
	fields, err := fieldsOf(body)
	if err != nil {
		return nil, err
	}
	delete(fields, "msg_id")
	return json.Marshal(fields)
}

// fieldsOf are a body's fields, each as its own text, so that no number changes.
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
		return nil, errors.New("a body must be an object, and is null")
	}
	return fields, nil
}

func typeOf(fields map[string]json.RawMessage) string {
	typ, _ := eddy.Raw(fields["type"]).Text()
	return typ
}

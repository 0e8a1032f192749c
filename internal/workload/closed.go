package workload

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/message"
)

// members returns the values of the members of a reply that have these names, nil for those
// that are missing. It returns an error if the reply has other fields than those, its type and
// its ids. Maelstrom rejects such a reply, too. An error reply may have any fields, there and
// here.
func members(req *Request, body []byte, names ...string) ([]jsontext.Value, error) {
	values := make([]jsontext.Value, len(names))
	err := message.Each(body, func(name []byte, value jsontext.Value) error {
		switch string(name) {
		case "type", "msg_id", "in_reply_to":
			return nil
		}
		for i := range names {
			if string(name) == names[i] {
				values[i] = value
				return nil
			}
		}
		if Member(req.Body, string(name)) != nil {
			return fmt.Errorf("such a reply has no field %s, which is a field of the request", message.Quote(string(name)))
		}
		return fmt.Errorf("such a reply has no field %s", message.Quote(string(name)))
	})
	return values, err
}

// closed returns an error if a reply has any field beside its type and its ids.
func closed(req *Request, body []byte) error {
	_, err := members(req, body)
	return err
}

// only returns the value of the only field that a reply has beside its type and its ids.
func only(req *Request, body []byte, name string) (jsontext.Value, error) {
	values, err := members(req, body, name)
	if values[0] == nil {
		return nil, missing(name)
	}
	return values[0], err
}

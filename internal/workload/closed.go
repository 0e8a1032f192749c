package workload

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/message"
)

// closed returns an error if a reply has other fields than those with these names, its
// type and its ids. Maelstrom rejects such a reply, too. An error reply may have any
// fields, there and here.
func closed(req *Request, body []byte, names ...string) error {
	fields, err := message.Fields(body)
	if err != nil {
		return err
	}
	for _, f := range fields {
		switch f.Name {
		case "type", "msg_id", "in_reply_to":
			continue
		}
		switch {
		case slices.Contains(names, f.Name):
		case Member(req.Body, f.Name) != nil:
			return fmt.Errorf("such a reply has no field %s, which is a field of the request", message.Quote(f.Name))
		default:
			return fmt.Errorf("such a reply has no field %s", message.Quote(f.Name))
		}
	}
	return nil
}

// only returns the value of the only field that a reply has beside its type and its ids.
func only(req *Request, body []byte, name string) (jsontext.Value, error) {
	value, err := required(body, name)
	if err != nil {
		return nil, err
	}
	return value, closed(req, body, name)
}

package workload

import (
	"fmt"
	"slices"

	"github.com/eddyrpc/eddy/internal/message"
)

// closed returns an error if a reply has other fields than those with these names, its
// type and its ids. Maelstrom rejects such a reply, too.
func closed(body []byte, names ...string) error {
	fields, err := message.Fields(body)
	if err != nil {
		return err
	}
	for _, f := range fields {
		switch f.Name {
		case "type", "msg_id", "in_reply_to":
		default:
			if !slices.Contains(names, f.Name) {
				return fmt.Errorf("such a reply has no field %s", message.Quote(f.Name))
			}
		}
	}
	return nil
}

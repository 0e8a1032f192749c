package talk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/eddyrpc/eddy/internal/message"
)

// A shownMessage is a message with the fields of its body that are shown.
type shownMessage struct {
	message.Message
	fields []message.Field // all except type, msg_id and in_reply_to
}

// readMessage parses a line. The error says why it is not a message.
func readMessage(line []byte) (shownMessage, error) {
	m, err := message.Parse(line)
	if err != nil {
		if !strings.HasPrefix(err.Error(), "not ") {
			err = fmt.Errorf("not a message: %w", err)
		}
		return shownMessage{}, err
	}
	fields, err := message.Fields(m.Body)
	fields = slices.DeleteFunc(fields, func(f message.Field) bool {
		return f.Name == "type" || f.Name == "msg_id" || f.Name == "in_reply_to"
	})
	return shownMessage{m, fields}, err
}

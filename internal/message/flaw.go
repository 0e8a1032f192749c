package message

import "errors"

// A Flaw is something in a message that the protocol does not define.
type Flaw struct {
	Field string // src, or of the body: type, msg_id or in_reply_to; if Kind is Further, it as it is written
	Kind  FlawKind
	Text  string // such as "body.type is missing"
}

// A FlawKind is a kind of flaw.
type FlawKind uint8

const (
	Wrong   FlawKind = iota // the field is missing, given twice, or has a wrong type
	Null                    // the field is null; for an id this means that there is none
	Large                   // the id is an integer beyond 2^63-1
	Further                 // the envelope has this field beside src, dest and body
)

// firstError returns err, or the first flaw that makes a line not a message. An id
// may be null, and the envelope may have further fields.
func firstError(flaws []Flaw, err error) error {
	if err != nil {
		return err
	}
	for _, f := range flaws {
		if f.Kind != Further && (f.Kind != Null || f.Field == "src") {
			return errors.New(f.Text)
		}
	}
	return nil
}

package sim

import "github.com/eddyrpc/eddy/internal/wire"

// Parse parses one line. The message's body aliases the line. The error is a
// *wire.Error.
func Parse(line []byte) (Message, error) {
	var read wire.Message
	if err := read.Scan(line); err != nil {
		return Message{}, err
	}
	return newMessage(string(read.Src), string(read.Dest), &read.Body), nil
}

// NewMessage returns a message with the given body, which includes its ids.
func NewMessage(src, dest string, body []byte) (Message, error) {
	read, err := wire.ReadBody(body)
	if err != nil {
		return Message{}, err
	}
	if read.Type == nil {
		return Message{}, &wire.Error{Reason: "body.type is missing", Offset: -1}
	}
	return newMessage(src, dest, &read), nil
}

func newMessage(src, dest string, body *wire.Body) Message {
	return Message{
		Src: src, Dest: dest,
		Type: string(body.Type), ID: body.ID, InReplyTo: body.InReplyTo,
		Body: body.Raw,
	}
}

// AppendLine appends the message as a line, with a newline. The envelope has only
// src and dest.
func (m *Message) AppendLine(dst []byte) []byte {
	dst = append(dst, `{"src":`...)
	dst = wire.AppendQuote(dst, m.Src)
	dst = append(dst, `,"dest":`...)
	dst = wire.AppendQuote(dst, m.Dest)
	dst = append(dst, `,"body":`...)
	dst = append(dst, m.Body...)
	return append(dst, "}\n"...)
}

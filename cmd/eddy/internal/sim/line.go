package sim

import "github.com/eddyrpc/eddy/internal/wire"

// Parse reads one line, which the message's body is a view into. The error is
// a *wire.Error and says why the line is no message.
func Parse(line []byte) (Message, error) {
	var read wire.Message
	if err := read.Scan(line); err != nil {
		return Message{}, err
	}
	return newMessage(string(read.Src), string(read.Dest), &read.Body), nil
}

// NewMessage is a message with a body of the sender's own making, ids included.
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

// AppendLine appends the message as the line that its receiver reads, newline
// included. Of the envelope only src and dest arrive, as everywhere in Eddy.
func (m *Message) AppendLine(dst []byte) []byte {
	dst = append(dst, `{"src":`...)
	dst = wire.AppendQuote(dst, m.Src)
	dst = append(dst, `,"dest":`...)
	dst = wire.AppendQuote(dst, m.Dest)
	dst = append(dst, `,"body":`...)
	dst = append(dst, m.Body...)
	return append(dst, "}\n"...)
}

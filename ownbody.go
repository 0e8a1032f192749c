package eddy

import "github.com/eddyrpc/eddy/internal/wire"

// ownBody returns the body of the message that is being read, if body is the same memory. An
// inline handler that replies with the body of its request, as an echo does, need not have it
// scanned again. This saves a fifth of an echo (go test -run - -bench Echo ./cmd/relay).
// ReplyAs is right without it.
func (r *Request) ownBody(body Raw) *wire.Body {
	if !r.handler.inline || r.Body == nil { // the handler has returned
		return nil
	}
	read := &r.handler.node.reader.message.Body
	if raw := read.Raw; len(raw) != len(body) || len(raw) == 0 || &raw[0] != &body[0] {
		return nil
	}
	return read
}

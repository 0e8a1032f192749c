package wire

import (
	"bytes"
	"slices"
	"strconv"
)

// A Dialect is how messages are written. The zero value writes no blanks.
type Dialect struct {
	Spaced   bool // a blank after every ':' and ',' outside strings
	Official bool // as Maelstrom's official Go library writes, see official.go
}

// A message is appended to the output in three steps, so that its body is not encoded
// elsewhere and copied:
//
//	AppendHead   {"src":"n1","dest":"c1","body":{
//	fields       "type":"echo_ok","echo":"hi"       by AppendFields or AppendError
//	AppendTail   ,"in_reply_to":2,"msg_id":1}}

// AppendHead appends the beginning of a message, up to the brace of its body. An empty
// src or dest, which only the official dialect has, is left out.
func (d Dialect) AppendHead(dst []byte, src, dest string) []byte {
	return d.AppendDest(d.AppendSrc(dst, src), dest)
}

// AppendSrc appends the beginning of a message up to its src. AppendDest appends what
// AppendHead appends after it.
func (d Dialect) AppendSrc(dst []byte, src string) []byte {
	dst = append(dst, '{')
	if src != "" {
		dst = AppendQuote(append(dst, d.pick(`"src": `, `"src":`)...), src)
		dst = append(dst, d.pick(", ", ",")...)
	}
	return dst
}

// AppendDest appends the dest of a message and the brace of its body.
func (d Dialect) AppendDest(dst []byte, dest string) []byte {
	if dest == "" {
		return append(dst, d.pick(`"body": {`, `"body":{`)...)
	}
	dst = AppendQuote(append(dst, d.pick(`"dest": `, `"dest":`)...), dest)
	return append(dst, d.pick(`, "body": {`, `,"body":{`)...)
}

// AppendTail appends the ids that are not NoID, after at least one field, and the end
// of a message with its newline.
func (d Dialect) AppendTail(dst []byte, inReplyTo, id int64) []byte {
	if inReplyTo != NoID {
		dst = append(dst, d.pick(`, "in_reply_to": `, `,"in_reply_to":`)...)
		dst = strconv.AppendInt(dst, inReplyTo, 10)
	}
	if id != NoID {
		dst = append(dst, d.pick(`, "msg_id": `, `,"msg_id":`)...)
		dst = strconv.AppendInt(dst, id, 10)
	}
	dst = append(dst, "}}"...)
	if d.Official {
		d.sortBody(dst[bytes.LastIndexByte(dst, '\n')+1:])
	}
	return append(dst, '\n')
}

func (d Dialect) pick(spaced, compact string) string {
	if d.Spaced {
		return spaced
	}
	return compact
}

// AppendMetadata appends, after at least one field, the request metadata that change
// from attempt to attempt: how many milliseconds the caller still waits, and whether
// this is a retry.
func (d Dialect) AppendMetadata(dst []byte, deadline int64, retry bool) []byte {
	dst = append(dst, d.pick(`, "deadline_ms": `, `,"deadline_ms":`)...)
	dst = strconv.AppendInt(dst, deadline, 10)
	dst = append(dst, d.pick(`, "retry": `, `,"retry":`)...)
	return strconv.AppendBool(dst, retry)
}

// AppendError appends the fields of an error reply. A retryAfter of 0 is left out.
func (d Dialect) AppendError(dst []byte, code int64, text string, retryAfter int64) []byte {
	dst = append(dst, d.pick(`"type": "error", "code": `, `"type":"error","code":`)...)
	dst = strconv.AppendInt(dst, code, 10)
	dst = AppendQuote(append(dst, d.pick(`, "text": `, `,"text":`)...), text)
	if retryAfter > 0 {
		dst = append(dst, d.pick(`, "retry_after_ms": `, `,"retry_after_ms":`)...)
		dst = strconv.AppendInt(dst, retryAfter, 10)
	}
	return dst
}

// Fields returns what AppendFields appends. It is not inlined, because its buffer would stand
// on the stack of each handler that waits for a call (bench, open, eddy-blocking).
//
//go:noinline
func (d Dialect) Fields(text []byte, b *Body) string {
	var small [256]byte
	return string(d.AppendFields(small[:0], "", text, b))
}

// AppendFields appends the fields of the body with this text without its ids: the type, then its own
// fields in their order. A typ that is not empty replaces the type of the body. Names,
// numbers and strings stay as they are encoded.
func (d Dialect) AppendFields(dst []byte, typ string, text []byte, b *Body) []byte {
	dst = append(dst, d.pick(`"type": `, `"type":`)...)
	if typ != "" {
		dst = AppendQuote(dst, typ)
	} else {
		dst = append(dst, text[b.typ.start:b.typ.end]...)
	}
	for _, own := range b.own[:b.count] {
		dst = append(dst, d.pick(", ", ",")...)
		fields := text[own.start:own.end]
		if d.Spaced || b.blanks {
			dst = d.AppendValue(dst, fields)
		} else {
			dst = append(dst, fields...)
		}
	}
	return dst
}

// AppendValue appends valid JSON with the blanks of the dialect.
func (d Dialect) AppendValue(dst, raw []byte) []byte {
	if len(raw) >= readSize { // a long value gets its memory at once
		blanks := 0
		if d.Spaced {
			blanks = bytes.Count(raw, []byte{','}) + bytes.Count(raw, []byte{':'})
		}
		dst = slices.Grow(dst, len(raw)+blanks)
	}
	done := 0 // raw[:done] was appended
	for i := 0; i < len(raw); {
		b := raw[i]
		if b == '"' {
			i = stringEnd(raw, i)
			continue
		}
		i++
		switch {
		case b <= ' ':
			dst = append(dst, raw[done:i-1]...)
			done = i
		case d.Spaced && (b == ':' || b == ','):
			dst = append(append(dst, raw[done:i]...), ' ')
			done = i
		}
	}
	return append(dst, raw[done:]...)
}

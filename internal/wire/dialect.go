package wire

import (
	"bytes"
	"slices"
	"strconv"
)

// A Dialect is how messages are written. The zero value writes no blanks.
type Dialect struct {
	Spaced   bool // a blank after every ':' and ',' outside strings
	Official bool // as the official Go library writes, see official.go
}

// A line is written in three steps, so that neither a body nor an answer to one
// is ever copied together first:
//
//	AppendHead   {"src":"n1","dest":"c1","body":{
//	fields       "type":"echo_ok","echo":"hi"       AppendFields, or made earlier
//	AppendTail   ,"in_reply_to":2,"msg_id":1}}

// AppendHead appends a message's beginning up to its body's first field.
func (d Dialect) AppendHead(dst []byte, src, dest string) []byte {
	if d.Official {
		return appendOfficialHead(dst, src, dest)
	}
	if d.Spaced {
		dst = AppendQuote(append(dst, `{"src": `...), src)
		dst = AppendQuote(append(dst, `, "dest": `...), dest)
		return append(dst, `, "body": {`...)
	}
	dst = AppendQuote(append(dst, `{"src":`...), src)
	dst = AppendQuote(append(dst, `,"dest":`...), dest)
	return append(dst, `,"body":{`...)
}

// AppendTail appends the ids that are not NoID, behind at least one field, and
// a message's end with its newline.
func (d Dialect) AppendTail(dst []byte, inReplyTo, id int64) []byte {
	if d.Official {
		return appendOfficialTail(dst, inReplyTo, id)
	}
	if inReplyTo != NoID {
		dst = append(dst, d.pick(`, "in_reply_to": `, `,"in_reply_to":`)...)
		dst = strconv.AppendInt(dst, inReplyTo, 10)
	}
	if id != NoID {
		dst = append(dst, d.pick(`, "msg_id": `, `,"msg_id":`)...)
		dst = strconv.AppendInt(dst, id, 10)
	}
	return append(dst, "}}\n"...)
}

func (d Dialect) pick(spaced, compact string) string {
	if d.Spaced {
		return spaced
	}
	return compact
}

// AppendMetadata appends, behind at least one field, how many milliseconds the
// caller of a request still waits and whether this is a retry.
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

// AppendFields appends what stands between a body's braces but the ids: the
// type, then the body's own fields in their order. A typ that is not empty
// replaces the body's own. Names, numbers and strings keep their very bytes.
func (d Dialect) AppendFields(dst []byte, typ string, b *Body) []byte {
	dst = append(dst, d.pick(`"type": `, `"type":`)...)
	if typ != "" {
		dst = AppendQuote(dst, typ)
	} else {
		dst = append(dst, b.Raw[b.rawType.start:b.rawType.end]...)
	}
	from := 1 // behind the opening brace
	for _, cut := range b.reserved[:b.count] {
		dst = d.appendPart(dst, b, from, cut.start)
		from = cut.end
	}
	return d.appendPart(dst, b, from, len(b.Raw)-1)
}

// appendPart appends the members that stand in b.Raw[from:to], a comma before
// each. At both ends a reserved member's comma may be left over.
func (d Dialect) appendPart(dst []byte, b *Body, from, to int) []byte {
	part := trimCommas(b.Raw[from:to])
	if len(part) == 0 {
		return dst
	}
	dst = append(dst, d.pick(", ", ",")...)
	if !d.Spaced && !b.blanks {
		return append(dst, part...)
	}
	return d.AppendValue(dst, part)
}

func trimCommas(part []byte) []byte {
	for len(part) > 0 && isBlankOrComma(part[0]) {
		part = part[1:]
	}
	for len(part) > 0 && isBlankOrComma(part[len(part)-1]) {
		part = part[:len(part)-1]
	}
	return part
}

func isBlankOrComma(b byte) bool {
	return b == ',' || b <= ' '
}

// AppendValue appends valid JSON with its blanks made the dialect's. It copies at
// once what stands between two places where a blank comes or goes.
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
			if i = stringEnd(raw, i); i == len(raw) {
				break
			}
			b = raw[i]
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

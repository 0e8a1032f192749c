package wire

import (
	"bytes"
	"slices"
	"strconv"
)

// The official Go library's dialect: src and dest may be missing, an id may be
// null, and a body's names are sorted, its ids among them.

// Scan reads a line into m as Message.Scan does; in the official dialect src and
// dest may be missing, and an id may be null.
func (d Dialect) Scan(m *Message, line []byte) error { return m.scan(line, d.Official) }

func appendOfficialHead(dst []byte, src, dest string) []byte {
	dst = append(dst, '{')
	if src != "" {
		dst = append(AppendQuote(append(dst, `"src":`...), src), ',')
	}
	if dest != "" {
		dst = append(AppendQuote(append(dst, `"dest":`...), dest), ',')
	}
	return append(dst, `"body":{`...)
}

// appendOfficialTail ends the last line of dst, whose fields it sorts.
func appendOfficialTail(dst []byte, inReplyTo, id int64) []byte {
	line := bytes.LastIndexByte(dst, '\n') + 1
	body := line + bytes.Index(dst[line:], []byte(`"body":{`)) + len(`"body":`)
	// A name that holds the text "body":{ has its quotes escaped.
	object := append(slices.Clone(dst[body:]), '}')
	type member struct{ name, value []byte }
	var members []member
	for name, value := range Members(object) {
		members = append(members, member{name, value})
	}
	if inReplyTo != NoID {
		members = append(members, member{[]byte("in_reply_to"), strconv.AppendInt(nil, inReplyTo, 10)})
	}
	if id != NoID {
		members = append(members, member{[]byte("msg_id"), strconv.AppendInt(nil, id, 10)})
	}
	slices.SortStableFunc(members, func(a, b member) int { return bytes.Compare(a.name, b.name) })
	dst = append(dst[:body], '{')
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(AppendQuote(dst, string(m.name)), ':'), m.value...)
	}
	return append(dst, "}}\n"...)
}

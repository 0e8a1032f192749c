package history

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// lineOptions decode durations from nanoseconds and allow values with duplicate
// names and escapes of lone surrogates.
var lineOptions = json.JoinOptions(jsonv1.FormatDurationAsNano(true), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// Write writes the operations as JSON, one per line. It does not change values,
// except that it replaces line breaks by blanks.
func Write(w io.Writer, h *History) error {
	out := bufio.NewWriterSize(w, 64<<10)
	var line []byte
	for op := range h.All() {
		line = op.appendJSON(line[:0])
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return out.Flush()
}

// appendJSON appends the operation as a line. It does not use reflection, because a
// fast test has a million operations.
func (o *Op) appendJSON(dst []byte) []byte {
	number := func(name string, value int64) {
		dst = strconv.AppendInt(append(dst, name...), value, 10)
	}
	text := func(name, value string) {
		if value != "" {
			dst, _ = jsontext.AppendQuote(append(dst, name...), value) // invalid UTF-8 becomes U+FFFD
		}
	}
	raw := func(name string, value jsontext.Value) {
		if len(value) > 0 {
			dst = appendLine(append(dst, name...), value)
		}
	}
	number(`{"process":`, int64(o.Process))
	text(`,"client":`, o.Client)
	text(`,"node":`, o.Node)
	number(`,"msg_id":`, o.MsgID)
	dst = append(append(append(dst, `,"type":"`...), o.Outcome.String()...), `","f":`...)
	dst, _ = jsontext.AppendQuote(dst, o.F)
	number(`,"key":`, o.Key)
	raw(`,"value":`, o.Value)
	raw(`,"result":`, o.Result)
	text(`,"error":`, o.Error)
	if o.Code != 0 {
		number(`,"code":`, o.Code)
	}
	number(`,"from":`, int64(o.From))
	number(`,"to":`, int64(o.To))
	if o.GaveUp != 0 {
		number(`,"gave_up":`, int64(o.GaveUp))
	}
	if o.Final {
		dst = append(dst, `,"final":true`...)
	}
	if o.Again {
		dst = append(dst, `,"again":true`...)
	}
	return append(dst, "}\n"...)
}

// appendLine appends a value as one line. Line breaks occur only between tokens,
// since JSON strings cannot contain them.
func appendLine(dst, value []byte) []byte {
	for _, c := range value {
		if c == '\n' || c == '\r' {
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst
}

// Read reads the output of Write. It ignores empty lines and unknown fields.
func Read(r io.Reader) ([]Op, error) {
	var ops []Op
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return ops, fmt.Errorf("history: %w", err)
		}
		if len(bytes.TrimSpace(line)) > 0 {
			var op Op
			if err := json.Unmarshal(line, &op, lineOptions); err != nil {
				return ops, fmt.Errorf("history, line %d: %w", n, err)
			}
			ops = append(ops, op)
		}
		if err == io.EOF {
			return ops, nil
		}
	}
}

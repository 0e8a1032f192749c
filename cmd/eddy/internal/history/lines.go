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

// durations reads times as numbers of nanoseconds.
var durations = json.JoinOptions(jsonv1.FormatDurationAsNano(true), jsontext.AllowDuplicateNames(true))

// Write writes operations one a line, in JSON. Values stay as they are, but that
// a line break becomes a blank.
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

// appendJSON is written out, and not left to reflection, since it is called a
// million times when a fast test is over.
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
	if o.Key != 0 {
		number(`,"key":`, o.Key)
	}
	raw(`,"value":`, o.Value)
	raw(`,"result":`, o.Result)
	raw(`,"late":`, o.Late)
	text(`,"error":`, o.Error)
	if o.Code != 0 {
		number(`,"code":`, o.Code)
	}
	number(`,"from":`, int64(o.From))
	number(`,"to":`, int64(o.To))
	if o.Final {
		dst = append(dst, `,"final":true`...)
	}
	return append(dst, "}\n"...)
}

// appendLine keeps a value on one line: in strings there is no line break.
func appendLine(dst, value []byte) []byte {
	for _, c := range value {
		if c == '\n' || c == '\r' {
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst
}

// Read reads what Write wrote. Empty lines are skipped, unknown members too.
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
			if err := json.Unmarshal(line, &op, durations); err != nil {
				return ops, fmt.Errorf("history, line %d: %w", n, err)
			}
			ops = append(ops, op)
		}
		if err == io.EOF {
			return ops, nil
		}
	}
}

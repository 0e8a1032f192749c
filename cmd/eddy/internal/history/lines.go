package history

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// durations writes times as numbers of nanoseconds.
var durations = json.JoinOptions(jsonv1.FormatDurationAsNano(true), jsontext.AllowDuplicateNames(true))

// Write writes operations one a line, in JSON.
func Write(w io.Writer, ops []Op) error {
	out := bufio.NewWriter(w)
	for i := range ops {
		line, err := json.Marshal(&ops[i], durations)
		if err != nil {
			return fmt.Errorf("operation %d: %w", i, err)
		}
		out.Write(line)
		out.WriteByte('\n')
	}
	return out.Flush()
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

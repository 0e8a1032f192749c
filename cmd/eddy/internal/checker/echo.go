package checker

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/canonical"
)

// Echo checks that the Result of every echo is equal to its Value.
func Echo(h *history.History) ([]Problem, []Number) {
	var found findings
	checked := 0
	for op := range h.All() {
		result, ok := resultOf(op)
		if !ok {
			continue
		}
		checked++
		if string(op.Value) != string(result) && canonical.JSON(op.Value) != canonical.JSON(result) {
			found.add("wrong-echo", op.To, -1, "%v: %s echoed %s instead of %s%s", op, op.Node, quote.Excerpt(result), quote.Excerpt(op.Value), lateNote(op))
		}
	}
	found.requireChecked(checked)
	return found.problems(), nil
}

// resultOf returns an operation's result. A late result counts, too: it can be as
// wrong as another one.
func resultOf(op *history.Op) (result jsontext.Value, ok bool) {
	if op.Outcome == history.OK {
		return op.Result, true
	}
	return op.Late, op.Late != nil
}

func lateNote(op *history.Op) string {
	if op.Outcome != history.OK {
		return ", after the client's timeout"
	}
	return ""
}

// UniqueIDs checks that no two operations have the same Result. It counts the ids.
func UniqueIDs(h *history.History) ([]Problem, []Number) {
	var found findings
	first := make(map[string]int, h.Len()) // by id, the index of the first operation with it
	repeated := 0
	for i := range h.Len() {
		op := h.At(i)
		result, ok := resultOf(&op)
		if !ok {
			continue
		}
		id := canonical.JSON(result)
		if i, known := first[id]; known {
			before := h.At(i)
			repeated++
			if found.add("duplicate-id", op.To, -1, "%v: %s returned the id %s%s, which %s had returned to %s (msg_id %d, sent at %s)",
				&op, op.Node, quote.Excerpt(result), lateNote(&op), before.Node, before.Client, before.MsgID, seconds(before.From)) {
				found.addRequests(&before)
			}
			continue
		}
		first[id] = i
	}
	found.requireChecked(len(first))
	return found.problems(), []Number{{"distinct ids", len(first)}, {"repeated ids", repeated}}
}

// requireChecked adds a problem if nothing was checked.
func (f *findings) requireChecked(checked int) {
	if checked == 0 {
		f.unknown("nothing-checked", 0, "no operation ended ok")
	}
}

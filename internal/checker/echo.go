package checker

import (
	"github.com/eddyrpc/eddy/internal/canonical"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/quote"
)

// Echo checks that the Result of every echo is equal to its Value.
func Echo(h *history.History) ([]Problem, []Number) {
	var found findings
	checked := 0
	for op := range h.All() {
		if op.Outcome != history.OK {
			continue
		}
		checked++
		if string(op.Value) != string(op.Result) && canonical.JSON(op.Value) != canonical.JSON(op.Result) {
			found.add("wrong-echo", op.To, -1, "%v: %s echoed %s instead of %s", op, op.Node, quote.Excerpt(op.Result), quote.Excerpt(op.Value))
		}
	}
	found.requireChecked(checked)
	return found.problems(), nil
}

// UniqueIDs checks that no two operations have the same Result. It counts the ids.
// A request that was delivered twice may get the same id twice.
func UniqueIDs(h *history.History) ([]Problem, []Number) {
	var found findings
	first := make(map[string]int, h.Len()) // by id, the index of the first operation with it
	repeated := 0
	for i := range h.Len() {
		op := h.At(i)
		if op.Outcome != history.OK {
			continue
		}
		id := canonical.JSON(op.Result)
		if i, known := first[id]; known {
			before := h.At(i)
			if op.Again && op.Client == before.Client && op.MsgID == before.MsgID {
				continue
			}
			repeated++
			if found.add("duplicate-id", op.To, -1, "%v: %s returned the id %s, which %s had returned to %s (msg_id %d, sent at %s)",
				&op, op.Node, quote.Excerpt(op.Result), before.Node, before.Client, before.MsgID, seconds(before.From)) {
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

package checker

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/canonical"
)

// Echo checks that every echo has as its Result what it has as its Value: the
// same JSON value, whatever its blanks and the order of its members.
func Echo(h *history.History) ([]Problem, []Number) {
	var found findings
	checked := 0
	for op := range h.All() {
		result, answered := answerOf(op)
		if !answered {
			continue
		}
		checked++
		if string(op.Value) != string(result) && canonical.JSON(op.Value) != canonical.JSON(result) {
			found.add("echo", op.To, -1, "%v: asked to echo %s, %s said %s%s", op, quote(op.Value), op.Node, quote(result), lateNote(op))
		}
	}
	found.anything(checked)
	return found.problems(), nil
}

// answerOf is an operation's good answer, also one that came when the client had
// given up: that it is late makes it no less wrong.
func answerOf(op *history.Op) (result jsontext.Value, answered bool) {
	if op.Outcome == history.OK {
		return op.Result, true
	}
	return op.Late, op.Late != nil
}

func lateNote(op *history.Op) string {
	if op.Outcome != history.OK {
		return ", when the client had given up"
	}
	return ""
}

// UniqueIDs checks that no two operations have the same Result. It also counts
// how many ids there are.
func UniqueIDs(h *history.History) ([]Problem, []Number) {
	var found findings
	first := make(map[string]int, h.Len()) // the operation's place
	repeated := 0
	for i := range h.Len() {
		op := h.At(i)
		result, answered := answerOf(&op)
		if !answered {
			continue
		}
		id := canonical.JSON(result)
		if was, known := first[id]; known {
			before := h.At(was)
			repeated++
			if found.add("unique", op.To, -1, "%v: %s gave the id %s%s, which %s had given to %s (msg_id %d, asked at %s)",
				&op, op.Node, quote(result), lateNote(&op), before.Node, before.Client, before.MsgID, seconds(before.From)) {
				found.about(&before)
			}
			continue
		}
		first[id] = i
	}
	found.anything(len(first))
	return found.problems(), []Number{{"distinct ids", len(first)}, {"repeated ids", repeated}}
}

// anything says that there is no telling if nothing was checked.
func (f *findings) anything(checked int) {
	if checked == 0 {
		f.unknown("nothing-checked", 0, "no operation was answered as it should be")
	}
}

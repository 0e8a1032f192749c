package checker

import "github.com/eddyrpc/eddy/cmd/eddy/internal/history"

// Echo checks that every echo has as its Result what it has as its Value: the
// same JSON value, whatever its blanks and the order of its members.
func Echo(h *history.History) ([]Problem, []Number) {
	var found findings
	checked := 0
	for op := range h.All() {
		if op.Outcome != history.OK {
			continue
		}
		checked++
		if string(op.Value) != string(op.Result) && canonical(op.Value) != canonical(op.Result) {
			found.add("echo", op.To, -1, "%v: asked to echo %s, %s said %s", op, quote(op.Value), op.Node, quote(op.Result))
		}
	}
	found.anything(checked)
	return found.problems(), nil
}

// UniqueIDs checks that no two operations have the same Result. It also counts
// how many ids there are.
func UniqueIDs(h *history.History) ([]Problem, []Number) {
	var found findings
	first := make(map[string]int, h.Len()) // the operation's place
	repeated := 0
	for i := range h.Len() {
		op := h.At(i)
		if op.Outcome != history.OK {
			continue
		}
		id := canonical(op.Result)
		if was, known := first[id]; known {
			before := h.At(was)
			repeated++
			found.add("unique", op.To, -1, "%v: %s gave the id %s, which %s had given to %s (msg_id %d) at %s",
				&op, op.Node, quote(op.Result), before.Node, before.Client, before.MsgID, seconds(before.To))
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

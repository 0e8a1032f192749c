package checker

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/history"
)

// A shownEntry is an offset that a reply named.
type shownEntry struct {
	key    int64
	entry  LogEntry
	op     *history.Op
	polled bool
}

// A reference finds the checks of Kafka that fail, from their definitions: by
// comparing everything with everything.
type reference struct {
	nodes  []string
	ops    []*history.Op
	shown  []shownEntry
	checks map[string]bool
}

func referenceChecks(ops []history.Op, nodes []string) []string {
	r := reference{nodes: nodes, checks: map[string]bool{}}
	for i := range ops {
		op := &ops[i]
		r.ops = append(r.ops, op)
		switch {
		case op.Outcome != history.OK:
		case op.F == "send":
			offset, _ := ParseOffset(op.Result)
			r.shown = append(r.shown, shownEntry{op.Key, LogEntry{offset, valueOf(op.Value)}, op, false})
		case op.F == "poll":
			all, _ := ParsePolled(op.Result)
			for _, p := range all {
				for _, e := range p.Entries {
					r.shown = append(r.shown, shownEntry{p.Key, e, op, true})
				}
			}
		}
	}
	r.logs()
	r.polls()
	r.final()
	r.commits()
	r.nothing()
	return slices.Sorted(maps.Keys(r.checks))
}

func valueOf(v jsontext.Value) int64 {
	n, _ := integer(v)
	return n
}

func (r *reference) sendOf(key, value int64) *history.Op {
	for _, op := range r.ops {
		if op.F == "send" && op.Key == key && valueOf(op.Value) == value {
			return op
		}
	}
	return nil
}

func (r *reference) logs() {
	for i, a := range r.shown {
		send := r.sendOf(a.key, a.entry.Message)
		switch {
		case !a.polled:
		case send == nil:
			r.checks["invented"] = true
		case send.Outcome == history.Fail:
			r.checks["G1a"] = true
		}
		if a.polled && send != nil && send.From > a.op.To {
			r.checks["G1c"] = true
		}
		for _, b := range r.shown[i+1:] {
			switch same, at := a.entry.Message == b.entry.Message, a.entry.Offset == b.entry.Offset; {
			case a.key != b.key:
			case same && !at:
				r.checks["duplicate"] = true
			case at && !same:
				r.checks["inconsistent-offsets"] = true
			}
		}
		for _, b := range r.shown[i+1:] {
			if !a.polled && !b.polled &&
				a.op.Process == b.op.Process && a.key == b.key && b.entry.Offset <= a.entry.Offset {
				r.checks["nonmonotonic-send"] = true
			}
		}
	}
}

// between reports whether a message is known with an offset from, or after, one
// offset and before another.
func (r *reference) between(key, from, before int64) bool {
	return slices.ContainsFunc(r.shown, func(s shownEntry) bool {
		return s.key == key && from <= s.entry.Offset && s.entry.Offset < before
	})
}

func (r *reference) polls() {
	for _, op := range r.ops {
		if op.F != "poll" || op.Outcome != history.OK {
			continue
		}
		asked, _ := ParseOffsets(op.Value)
		polled, _ := ParsePolled(op.Result)
		for _, p := range polled {
			for i, e := range p.Entries {
				if i > 0 {
					before := p.Entries[i-1].Offset
					if e.Offset <= before {
						r.checks["int-nonmonotonic-poll"] = true
					} else if r.between(p.Key, before+1, e.Offset) {
						r.checks["int-poll-skip"] = true
					}
					continue
				}
				for _, a := range asked {
					if a.Key == p.Key && e.Offset < a.Offset {
						r.checks["nonmonotonic-poll"] = true
					} else if a.Key == p.Key && r.between(p.Key, a.Offset, e.Offset) {
						r.checks["poll-skip"] = true
					}
				}
			}
		}
	}
}

// A knownMessage is a message that was acknowledged or polled, and not refused.
type knownMessage struct {
	key, value, offset int64
	acked, polled      bool
	since              time.Duration
}

func (r *reference) known() (all []knownMessage) {
	for _, s := range r.shown {
		send := r.sendOf(s.key, s.entry.Message)
		if send == nil || send.Outcome == history.Fail {
			continue
		}
		i := slices.IndexFunc(all, func(m knownMessage) bool { return m.key == s.key && m.value == s.entry.Message })
		if i < 0 {
			i = len(all)
			all = append(all, knownMessage{key: s.key, value: s.entry.Message, offset: s.entry.Offset, since: s.op.To})
		}
		m := &all[i]
		// Of several polls the first in the history counts.
		if !s.polled || !m.polled {
			m.since = min(m.since, s.op.To)
		}
		m.acked, m.polled = m.acked || !s.polled, m.polled || s.polled
	}
	return all
}

func (r *reference) final() {
	// returned reports whether the final polls of a node, or of any, returned a message.
	returned := func(node string, m *knownMessage) bool {
		return slices.ContainsFunc(r.shown, func(s shownEntry) bool {
			return s.polled && s.op.Final && (node == "" || s.op.Node == node) && s.key == m.key && s.entry.Message == m.value
		})
	}
	missing := map[knownMessage]bool{}
	for _, node := range r.nodes {
		any := false
		for _, op := range r.ops {
			any = any || op.Outcome == history.OK && op.F == "poll" && op.Final && op.Node == node
		}
		if !any {
			r.checks["no-final-poll"] = true
			continue
		}
		for _, m := range r.known() {
			if returned(node, &m) {
				continue
			}
			highest := int64(-1)
			for _, s := range r.shown {
				if s.polled && s.op.Final && s.op.Node == node && s.key == m.key {
					highest = max(highest, s.entry.Offset)
				}
			}
			last, ended := r.lastFinalPoll(node, m.key)
			switch {
			case highest >= m.offset:
				r.checks["lost-write"], missing[m] = true, true
			case last == nil || !ended || m.since >= last.From:
				r.checks["not-read-to-the-end"] = true
			case m.polled && !returned("", &m):
				r.checks["lost-write"], missing[m] = true, true
			default:
				r.checks["unseen"], missing[m] = true, true
			}
		}
	}
	for _, m := range r.known() {
		if m.acked && !m.polled && !missing[m] && slices.ContainsFunc(r.shown, func(s shownEntry) bool {
			return s.polled && s.key == m.key && s.entry.Offset > m.offset
		}) {
			r.checks["lost-write"] = true
		}
	}
}

// lastFinalPoll returns the last final poll of a node that asked for a key, and
// whether it returned nothing of it.
func (r *reference) lastFinalPoll(node string, key int64) (last *history.Op, ended bool) {
	for _, op := range r.ops {
		if op.Outcome != history.OK || op.F != "poll" || !op.Final || op.Node != node {
			continue
		}
		asked, _ := ParseOffsets(op.Value)
		if slices.ContainsFunc(asked, func(a KeyOffset) bool { return a.Key == key }) {
			last = op
			ended = !slices.ContainsFunc(r.shown, func(s shownEntry) bool { return s.op == op && s.key == key })
		}
	}
	return last, ended
}

// offsetIn returns the offset of a key in an object, or notCommitted.
func offsetIn(object jsontext.Value, key int64) int64 {
	all, _ := ParseOffsets(object)
	for _, o := range all {
		if o.Key == key {
			return o.Offset
		}
	}
	return notCommitted
}

func (r *reference) commits() {
	for key := range int64(2) {
		for _, op := range r.ops {
			keys, _ := parseKeys(op.Value)
			if op.F == "list_committed_offsets" && op.Outcome == history.OK && slices.Contains(keys, key) {
				r.list(key, op, offsetIn(op.Result, key))
			}
		}
	}
}

// commitsOf returns the commits of an offset that did not fail.
func (r *reference) commitsOf(key, offset int64) (all []*history.Op) {
	for _, op := range r.ops {
		if op.F == "commit_offsets" && op.Outcome != history.Fail && offset != notCommitted && offsetIn(op.Value, key) == offset {
			all = append(all, op)
		}
	}
	return all
}

func (r *reference) list(key int64, op *history.Op, offset int64) {
	begun := slices.DeleteFunc(r.commitsOf(key, offset), func(c *history.Op) bool { return c.From > op.To })
	if offset != notCommitted && len(begun) == 0 {
		end, failed := int64(-1), false
		for _, s := range r.shown {
			if s.key == key {
				end = max(end, s.entry.Offset)
			}
		}
		for _, c := range r.ops {
			failed = failed || c.F == "commit_offsets" && offsetIn(c.Value, key) == offset
		}
		if offset > end && !failed {
			r.checks["commit-beyond-log"] = true
		} else {
			r.checks["invented-commit"] = true
		}
		return
	}
	// outdone reports whether a greater offset was committed after all commits of
	// this one, as evidence that began and ended at these times says.
	outdone := func(greater int64, from, to time.Duration) bool {
		return greater > offset && to < op.From && !slices.ContainsFunc(begun, func(c *history.Op) bool {
			return c.Outcome != history.OK || c.To >= from
		})
	}
	back, lost := false, false
	for _, e := range r.ops {
		found := false
		switch keys, _ := parseKeys(e.Value); {
		case e.Outcome != history.OK:
		case e.F == "commit_offsets" && offsetIn(e.Value, key) != notCommitted:
			found = outdone(offsetIn(e.Value, key), e.From, e.To)
		case e.F == "list_committed_offsets" && slices.Contains(keys, key):
			listed := offsetIn(e.Result, key)
			if commits := r.commitsOf(key, listed); len(commits) > 0 {
				found = outdone(listed, commits[0].From, e.To)
			}
		}
		lost = lost || found
		back = back || found && e.Node == op.Node
	}
	last := op
	for _, o := range r.ops {
		keys, _ := parseKeys(o.Value)
		if o.Outcome == history.OK && o.F == op.F && o.Final && o.Node == op.Node && slices.Contains(keys, key) {
			last = o
		}
	}
	if back {
		r.checks["committed-back"] = true
	} else if lost && op.Final && last == op {
		r.checks["lost-commit"] = true
	}
}

func (r *reference) nothing() {
	polled, acked := false, false
	kinds := map[string]bool{}
	for _, op := range r.ops {
		kinds[op.F] = kinds[op.F] || op.Outcome == history.OK
	}
	for _, s := range r.shown {
		polled, acked = polled || s.polled, acked || !s.polled
	}
	if !polled || !acked || slices.Contains(slices.Collect(maps.Values(kinds)), false) {
		r.checks["nothing-checked"] = true
	}
}

// anyLogs generates histories in which anything may happen, with few keys, offsets
// and messages.
func anyLogs(t *rapid.T) (ops []history.Op) {
	small := rapid.Int64Range(0, 3)
	sent := map[LogEntry]bool{} // key, message
	from := time.Duration(0)
	for i := range rapid.IntRange(1, 12).Draw(t, "operations") {
		from += time.Duration(rapid.IntRange(0, 3).Draw(t, "pause"))
		op := history.Op{
			Process: rapid.IntRange(1, 2).Draw(t, "process"), Client: "c1", MsgID: int64(i),
			Node: rapid.SampledFrom([]string{"n1", "n2"}).Draw(t, "node"), From: from,
			To:      from + time.Duration(rapid.IntRange(0, 6).Draw(t, "time")),
			Outcome: rapid.SampledFrom([]history.Outcome{history.OK, history.OK, history.OK, history.Fail, history.Indefinite}).Draw(t, "outcome"),
		}
		var result string
		offsets := func(label string) string {
			var all []string
			for key := range 2 {
				if rapid.Bool().Draw(t, label) {
					all = append(all, fmt.Sprintf(`"%d":%d`, key, small.Draw(t, "offset")))
				}
			}
			return "{" + strings.Join(all, ",") + "}"
		}
		switch rapid.IntRange(0, 5).Draw(t, "f") {
		case 0, 1:
			op.F, op.Key = "send", rapid.Int64Range(0, 1).Draw(t, "key")
			message := small.Draw(t, "message")
			if sent[LogEntry{op.Key, message}] {
				continue
			}
			sent[LogEntry{op.Key, message}] = true
			op.Value, result = fmt.Append(nil, message), fmt.Sprint(small.Draw(t, "offset"))
		case 2, 3:
			op.F, op.Value = "poll", []byte(offsets("asked"))
			op.Final = rapid.Bool().Draw(t, "final")
			asked, _ := ParseOffsets(op.Value)
			var all []string
			for _, a := range asked {
				var entries []string
				for range rapid.IntRange(0, 2).Draw(t, "entries") {
					entries = append(entries, fmt.Sprintf("[%d,%d]", small.Draw(t, "offset"), small.Draw(t, "message")))
				}
				all = append(all, fmt.Sprintf(`"%d":[%s]`, a.Key, strings.Join(entries, ",")))
			}
			result = "{" + strings.Join(all, ",") + "}"
		case 4:
			op.F, op.Value = "commit_offsets", []byte(offsets("committed"))
		case 5:
			op.F, op.Value = "list_committed_offsets", []byte(`["0","1"]`)
			op.Final = rapid.Bool().Draw(t, "final")
			result = offsets("listed")
		}
		switch {
		case result == "" || op.Outcome != history.OK:
		default:
			op.Result = []byte(result)
			if rapid.Bool().Draw(t, "late") {
				op.GaveUp = op.To - 1
			}
		}
		ops = append(ops, op)
	}
	return ops
}

// Whatever happens, Kafka finds the same as the definitions of its checks.
func TestKafkaAgreesWithReference(t *testing.T) {
	nodes := []string{"n1", "n2"}
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		for range 30 {
			ops := anyLogs(t)
			problems, _ := Kafka(history.Of(ops...), nodes)
			got, want := checkNames(problems), referenceChecks(ops, nodes)
			if !slices.Equal(got, want) {
				var text strings.Builder
				history.Write(&text, history.Of(ops...))
				t.Fatalf("%v, want %v\n%s%s", got, want, text.String(), report(problems, nil))
			}
			for _, check := range want {
				seen[check]++
			}
		}
	})
	for _, c := range KafkaChecks {
		if seen[c.Name] == 0 && c.Name != "malformed-result" {
			t.Errorf("no history showed %s", c.Name)
		}
	}
}

package checker

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/history"
)

// A logModel is a correct service with one log and two nodes. Each operation has its
// effect at one moment between its beginning and its end.
type logModel struct {
	log     []LogEntry
	next    int64          // the least offset that is free
	commits []int64        // every committed offset, as it counts from then on
	seen    map[string]int // by node, the number of commits that its lists must show
	latest  bool           // the latest commit counts, not the greatest one
}

// send appends a message at any free offset.
func (m *logModel) send(t *rapid.T, message int64) int64 {
	offset := m.next + rapid.SampledFrom([]int64{0, 0, 1, 7, 1_000_000_000_000_000}).Draw(t, "gap")
	m.next = offset + 1
	m.log = append(m.log, LogEntry{offset, message})
	return offset
}

// poll returns a part of the log from an offset on, perhaps of an older log.
func (m *logModel) poll(t *rapid.T, from int64, all bool) []LogEntry {
	first := slices.IndexFunc(append(slices.Clone(m.log), LogEntry{1 << 62, 0}), func(e LogEntry) bool { return e.Offset >= from })
	end := len(m.log)
	if !all {
		end = rapid.IntRange(first, end).Draw(t, "end")
	}
	return m.log[first:end]
}

func (m *logModel) commit(node string, offset int64) {
	if last := len(m.commits) - 1; !m.latest && last >= 0 {
		offset = max(offset, m.commits[last])
	}
	m.commits = append(m.commits, offset)
	m.seen[node] = len(m.commits)
}

// list returns a state between the one that the node has shown and the current one.
func (m *logModel) list(t *rapid.T, node string, current bool) string {
	m.seen[node] = rapid.IntRange(m.seen[node], len(m.commits)).Draw(t, "state")
	if current {
		m.seen[node] = len(m.commits)
	}
	if m.seen[node] == 0 {
		return "{}"
	}
	return fmt.Sprintf(`{"0":%d}`, m.commits[m.seen[node]-1])
}

func entriesJSON(entries []LogEntry) string {
	var all []string
	for _, e := range entries {
		all = append(all, fmt.Sprintf("[%d,%d]", e.Offset, e.Message))
	}
	return fmt.Sprintf(`{"0":[%s]}`, strings.Join(all, ","))
}

// operation returns an operation of the service that has its effect at a time.
func (m *logModel) operation(t *rapid.T, number int64, at time.Duration) history.Op {
	op := history.Op{
		Process: int(number), Client: fmt.Sprintf("c%d", number), Node: rapid.SampledFrom([]string{"n1", "n2"}).Draw(t, "node"),
		From: at - time.Duration(rapid.IntRange(0, 25).Draw(t, "before")), To: at + time.Duration(rapid.IntRange(0, 25).Draw(t, "after")),
		Outcome: rapid.SampledFrom([]history.Outcome{history.OK, history.OK, history.OK, history.Fail, history.Indefinite}).Draw(t, "outcome"),
	}
	effect := op.Outcome == history.OK || op.Outcome == history.Indefinite && rapid.Bool().Draw(t, "took effect")
	result := ""
	switch rapid.IntRange(0, 4).Draw(t, "f") {
	case 0, 1:
		op.F, op.Value = "send", fmt.Append(nil, number)
		if effect {
			result = fmt.Sprint(m.send(t, number))
		}
	case 2:
		from := int64(0)
		if len(m.log) > 0 {
			from = rapid.SampledFrom(m.log).Draw(t, "from").Offset + rapid.Int64Range(0, 1).Draw(t, "next")
		}
		op.F, op.Value = "poll", fmt.Appendf(nil, `{"0":%d}`, from)
		result = entriesJSON(m.poll(t, from, false))
	case 3:
		offset := int64(0)
		if len(m.log) > 0 {
			offset = rapid.SampledFrom(m.log).Draw(t, "committed").Offset
		}
		op.F, op.Value = "commit_offsets", fmt.Appendf(nil, `{"0":%d}`, offset)
		if effect {
			m.commit(op.Node, offset)
		}
	case 4:
		op.F, op.Value = "list_committed_offsets", []byte(`["0"]`)
		if op.Outcome == history.OK {
			result = m.list(t, op.Node, false)
		}
	}
	switch {
	case op.Outcome == history.OK:
		op.Result = []byte(result)
	case op.Outcome == history.Indefinite && result != "" && rapid.Bool().Draw(t, "late"):
		op.Outcome, op.Result, op.GaveUp = history.OK, []byte(result), op.From+1
	}
	return op
}

// correctLog returns the history of a correct service.
func correctLog(t *rapid.T) []history.Op {
	m := logModel{seen: map[string]int{}, latest: rapid.Bool().Draw(t, "the latest commit counts")}
	var ops []history.Op
	at := time.Duration(100)
	for i := range rapid.IntRange(1, 30).Draw(t, "operations") {
		at += 10
		ops = append(ops, m.operation(t, int64(i), at))
	}
	at += 100
	for _, node := range []string{"n1", "n2"} {
		from := int64(0)
		for _, all := range []bool{false, true, true} {
			at += 10
			entries := m.poll(t, from, all)
			ops = append(ops, history.Op{F: "poll", Node: node, Outcome: history.OK, Final: true, From: at, To: at + 5,
				Value: fmt.Appendf(nil, `{"0":%d}`, from), Result: []byte(entriesJSON(entries))})
			if len(entries) > 0 {
				from = entries[len(entries)-1].Offset + 1
			}
		}
		for _, current := range []bool{false, true} {
			at += 10
			ops = append(ops, history.Op{F: "list_committed_offsets", Node: node, Outcome: history.OK, Final: true, From: at, To: at + 5,
				Value: []byte(`["0"]`), Result: []byte(m.list(t, node, current))})
		}
	}
	slices.SortStableFunc(ops, func(a, b history.Op) int { return cmp.Compare(a.From, b.From) })
	return ops
}

// A correct log has no problems, whatever operations are concurrent, are lost, or end
// late, and however old the results of polls and lists are.
func TestKafkaAcceptsLogs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range 10 {
			ops := correctLog(t)
			problems, _ := Kafka(history.Of(ops...), []string{"n1", "n2"})
			for _, p := range problems {
				if !p.Unknown || p.Check != "nothing-checked" {
					var text strings.Builder
					history.Write(&text, history.Of(ops...))
					t.Fatalf("%s: %s\n%s", p.Check, p.Text, text.String())
				}
			}
		}
	})
}

// If the final polls of a node lack a known message, it is lost or unseen.
func TestKafkaFindsMissingMessages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := correctLog(t)
		m := rapid.SampledFrom(ops).Draw(t, "operation")
		if m.F != "send" || m.Outcome != history.OK {
			return
		}
		gone := fmt.Sprintf("[%s,%s]", m.Result, m.Value)
		for i := range ops {
			if ops[i].Final && ops[i].Node == "n2" {
				text := strings.ReplaceAll(string(ops[i].Result), gone, "")
				ops[i].Result = []byte(strings.NewReplacer("[,", "[", ",,", ",", ",]", "]").Replace(text))
			}
		}
		problems, _ := Kafka(history.Of(ops...), []string{"n1", "n2"})
		if names := checkNames(problems); !slices.Contains(names, "lost-write") && !slices.Contains(names, "unseen") {
			t.Fatalf("without %s in the final polls of n2: %v", gone, problems)
		}
	})
}

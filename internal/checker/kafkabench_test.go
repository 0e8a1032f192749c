package checker

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/history"
)

// bigLog returns the history of a correct service with many operations: sends to ten
// keys, of which each takes maxWrites messages before another key takes its place,
// polls of all ten keys, commits and lists. Offsets are 10^15 and more, with gaps.
func bigLog(operations, maxWrites int) *history.History {
	h := new(history.History)
	logs := map[int][]LogEntry{}
	at := time.Duration(0)
	add := func(op history.Op) {
		op.Process, op.Node, op.Outcome, op.From, op.To = h.Len()%50, "n1", history.OK, at, at+50*time.Millisecond
		op.Client = fmt.Sprintf("c%d", op.Process)
		at += time.Millisecond
		h.End(h.Begin(&op), history.End{Outcome: op.Outcome, At: op.To, Result: op.Result})
	}
	object := func(value func(key int) string, first int) []byte {
		var all []string
		for key := first; key < first+10; key++ {
			if v := value(key); v != "" {
				all = append(all, fmt.Sprintf(`"%d":%s`, key, v))
			}
		}
		return []byte("{" + strings.Join(all, ",") + "}")
	}
	first, position := 0, map[int]int{}
	committed := func(key int) string {
		if position[key] == 0 {
			return ""
		}
		return fmt.Sprint(logs[key][position[key]-1].Offset)
	}
	poll := func(first int, final bool) {
		asked := object(func(key int) string {
			if n := position[key]; n > 0 {
				return fmt.Sprint(logs[key][n-1].Offset + 1)
			}
			return "0"
		}, first)
		polled := object(func(key int) string {
			rest := logs[key][position[key]:]
			position[key] += len(rest)
			text, _ := strings.CutPrefix(entriesJSON(rest), `{"0":`)
			return strings.TrimSuffix(text, "}")
		}, first)
		add(history.Op{F: "poll", Value: asked, Result: polled, Final: final})
	}
	for i := 0; h.Len() < operations; i++ {
		key := first + i%10
		e := LogEntry{1_000_000_000_000_000 + 1000*int64(len(logs[key])), int64(len(logs[key]))}
		logs[key] = append(logs[key], e)
		add(history.Op{F: "send", Key: int64(key), Value: fmt.Append(nil, e.Message), Result: fmt.Append(nil, e.Offset)})
		if i%2 == 1 {
			poll(first, false)
			add(history.Op{F: "commit_offsets", Value: object(committed, first)})
		}
		if i%16 == 15 {
			add(history.Op{F: "list_committed_offsets", Value: []byte(strings.NewReplacer("{", "[", "}", "]", ":1", "").Replace(
				string(object(func(int) string { return "1" }, first)))), Result: object(committed, first)})
		}
		if len(logs[first+9]) == maxWrites {
			first += 10
		}
	}
	clear(position)
	for key := 0; key <= first; key += 10 {
		poll(key, true)
	}
	return h
}

// BenchmarkKafka checks 200,000 operations, with few writes to each key and with many.
func BenchmarkKafka(b *testing.B) {
	for _, maxWrites := range []int{16, 1 << 30} {
		b.Run(fmt.Sprintf("writes=%d", maxWrites), func(b *testing.B) {
			h := bigLog(200_000, maxWrites)
			for b.Loop() {
				if problems, _ := Kafka(h, []string{"n1"}); len(problems) > 0 {
					b.Fatal(problems[0].Check, problems[0].Text)
				}
			}
			b.ReportMetric(float64(h.Len())*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}

// Offsets of 10^15 with gaps need no more memory than the messages.
func TestKafkaMemory(t *testing.T) {
	h := bigLog(2000, 16)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if problems, _ := Kafka(h, []string{"n1"}); len(problems) > 0 {
		t.Fatal(problems[0].Check, problems[0].Text)
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / uint64(h.Len()); each > 10_000 {
		t.Errorf("the check allocates %d bytes for each operation", each)
	} else {
		t.Logf("%d bytes for each operation", each)
	}
}

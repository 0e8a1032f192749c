package history

import (
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// At and All return what was added.
func TestHistory(t *testing.T) {
	text := rapid.SampledFrom([]string{"", "", "a", "bc", `"x"`})
	value := rapid.Custom(func(t *rapid.T) []byte {
		if s := text.Draw(t, "value"); s != "" {
			return []byte(s)
		}
		return nil
	})
	rapid.Check(t, func(t *rapid.T) {
		ops := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Op {
			return Op{
				Process: rapid.Int().Draw(t, "process"), Client: text.Draw(t, "client"), Node: text.Draw(t, "node"),
				MsgID: rapid.Int64().Draw(t, "id"), Outcome: Outcome(rapid.IntRange(0, 3).Draw(t, "outcome")),
				F: text.Draw(t, "f"), Key: rapid.Int64().Draw(t, "key"), Value: value.Draw(t, "value"), Result: value.Draw(t, "result"),
				Error: text.Draw(t, "error"), Code: rapid.Int64().Draw(t, "code"),
				From: time.Duration(rapid.Int64().Draw(t, "from")), To: time.Duration(rapid.Int64().Draw(t, "to")),
				Final: rapid.Bool().Draw(t, "final"), Again: rapid.Bool().Draw(t, "again"),
				GaveUp: time.Duration(rapid.Int64().Draw(t, "gave up")),
			}
		})).Draw(t, "ops")
		h := Of(ops...)
		if h.Len() != len(ops) {
			t.Fatalf("%d of %d", h.Len(), len(ops))
		}
		i, operations := 0, 0
		for op := range h.All() {
			if !op.Again {
				operations++
			}
			if diff := cmp.Diff(&ops[i], op); diff != "" {
				t.Fatal(diff)
			}
			i++
		}
		if operations != h.Operations() {
			t.Fatalf("%d of %d operations", h.Operations(), operations)
		}
	})
}

// Texts that are longer than the rest of a block are stored completely.
func TestLongTexts(t *testing.T) {
	h := new(History)
	long := make([]byte, textBlock-1)
	for i := range 3 * rowsPerBlock {
		op := Op{Process: i, Value: []byte(`"17"`)}
		if i%rowsPerBlock == 5 {
			op.Value = long
		}
		h.Begin(&op)
	}
	for i := range h.Len() {
		op := h.At(i)
		if want := i%rowsPerBlock == 5; op.Process != i || (len(op.Value) == len(long)) != want {
			t.Fatalf("operation %d: process %d, %d bytes", i, op.Process, len(op.Value))
		}
	}
}

// An echo operation costs less than 150 bytes.
func TestHistoryIsCompact(t *testing.T) {
	if size := unsafe.Sizeof(row{}); size > 112 {
		t.Errorf("a row has %d bytes", size)
	}
	const many = 200_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	h := new(History)
	body := []byte(`"Please echo 1234567"`)
	for i := range many {
		h.End(h.Begin(&Op{Process: i % 64, Client: "c17", Node: "n1", MsgID: int64(i), F: "echo", Value: body}), End{Outcome: OK, Result: body})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := float64(after.HeapAlloc-before.HeapAlloc) / many; each > 150 {
		t.Errorf("an operation costs %.0f bytes", each)
	}
	runtime.KeepAlive(h)
}

func TestOutcomeOutOfRange(t *testing.T) {
	if got := Outcome(200).String(); got != "Outcome(200)" {
		t.Errorf("got %q", got)
	}
	if text, err := Outcome(200).MarshalText(); err == nil {
		t.Errorf("became %s", text)
	}
}

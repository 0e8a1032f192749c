package history

import (
	"io"
	"testing"
)

func BenchmarkWrite(b *testing.B) {
	ops := make([]Op, 10_000)
	for i := range ops {
		ops[i] = Op{Process: i, Client: "c17", Node: "n1", MsgID: 7, F: "echo", Outcome: OK, From: 123456789, To: 123556789,
			Value: []byte(`"Please echo 17"`), Result: []byte(`"Please echo 17"`)}
	}
	h := Of(ops...)
	b.ReportAllocs()
	for b.Loop() {
		Write(io.Discard, h)
	}
}

// The memory of an echo operation.
func BenchmarkMemory(b *testing.B) {
	body := []byte(`"Please echo 1234567"`)
	h := new(History)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		at := h.Begin(&Op{Process: i % 64, Client: "c17", Node: "n1", MsgID: int64(i), F: "echo", From: 123456789, Value: body})
		h.End(at, End{Outcome: OK, At: 123556789, Result: body})
	}
}

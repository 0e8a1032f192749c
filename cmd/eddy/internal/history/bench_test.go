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
	b.ReportAllocs()
	for b.Loop() {
		Write(io.Discard, ops)
	}
}

package bounded

import (
	"strings"
	"testing"
)

func TestStrings(t *testing.T) {
	s := NewStrings(2, 100)
	name := []byte("n1")
	if s.Of(name) != "n1" {
		t.Error("another string")
	}
	if n := testing.AllocsPerRun(100, func() { s.Of(name) }); n != 0 {
		t.Errorf("%v allocations for a string that is kept", n)
	}
	for _, text := range []string{"", "a", "b", strings.Repeat("x", 101), "a"} {
		if got := s.Of([]byte(text)); got != text {
			t.Errorf("%q for %q", got, text)
		}
		if len(s.kept.All()) > 2 {
			t.Errorf("%d strings are kept", len(s.kept.All()))
		}
	}
}

func BenchmarkStrings(b *testing.B) {
	strings := NewStrings(100, 1000)
	names := [][]byte{[]byte("c1"), []byte("n1"), []byte("echo_ok"), []byte("n2")}
	i := 0
	for b.Loop() {
		strings.Of(names[i%len(names)])
		i++
	}
}

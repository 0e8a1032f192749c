package bounded

import (
	"sync"
	"testing"
)

// A Set has the keys that came first, and no others, however many add them.
func TestSetKeepsTheFirst(t *testing.T) {
	s := Set[int]{Max: 2}
	for i, want := range []bool{true, true, false, false} {
		if got := s.Add(i); got != want {
			t.Errorf("Add(%d) is %v", i, got)
		}
	}
	if !s.Add(0) || !s.Add(1) || s.Add(2) {
		t.Error("it has other keys later")
	}
	s = Set[int]{Max: 10}
	var adders sync.WaitGroup
	for i := range 8 {
		adders.Go(func() {
			for k := range 100 {
				s.Add(k*8 + i)
			}
		})
	}
	adders.Wait()
	if len(s.keys) != 10 {
		t.Errorf("it has %d keys", len(s.keys))
	}
}

package trial

import "testing"

func TestIDCounts(t *testing.T) {
	c := &idCounts{}
	for _, id := range []int64{0, 1, 5, 5, 1 << 40, 10_000, 10_000, 4, 9_000, 9_500, 10_000} {
		c.add(id)
	}
	for id, want := range map[int64]int{0: 1, 2: 0, 4: 1, 5: 2, 10_000: 3, 1 << 40: 1, 1 << 41: 0} {
		if got := c.count(id); got != want {
			t.Errorf("%d was counted %d times, want %d", id, got, want)
		}
	}
}

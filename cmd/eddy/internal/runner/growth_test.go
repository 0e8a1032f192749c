package runner

import "testing"

// Only what grows all the time is noted, and only the latest process counts.
func TestGrowth(t *testing.T) {
	for _, test := range []struct {
		name  string
		files []int
		pids  []int // 1 unless given
		grew  bool
		from  int
		atEnd int
	}{
		{name: "steady", files: []int{5, 10, 20, 40, 60, 80, 100, 120}, grew: true, from: 20, atEnd: 120},
		{name: "at once", files: []int{5, 5, 5, 5, 5, 5, 5, 120}},
		{name: "early", files: []int{5, 100, 100, 101, 100, 100, 100, 100}},
		{name: "little", files: []int{5, 6, 7, 8, 9, 10, 11, 12}},
		{name: "much, but less than half of it", files: []int{500, 510, 520, 530, 540, 560, 580, 600}},
		{name: "few samples", files: []int{5, 50, 100}},
		{name: "another process", files: []int{5, 10, 20, 40, 60, 80, 100, 120}, pids: []int{1, 1, 1, 1, 1, 1, 2, 2}},
	} {
		var all []usageSample
		for i, n := range test.files {
			pid := 1
			if test.pids != nil {
				pid = test.pids[i]
			}
			all = append(all, usageSample{pid, usage{files: n}})
		}
		from, to, grew := growth(all, func(u *usage) int { return u.files }, 50)
		if grew != test.grew || grew && (from != test.from || to != test.atEnd) {
			t.Errorf("%s: %v, from %d to %d", test.name, grew, from, to)
		}
	}
}

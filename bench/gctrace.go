package main

import (
	"regexp"
	"strconv"
)

// traceLine is what GODEBUG=gctrace=1 prints for a collection (package
// runtime): "gc 7 @0.1s ...: ... ms cpu, 4->5->1 MB, ..." with the heap when the
// collection began, when it ended, and what of it was live.
var traceLine = regexp.MustCompile(`(?m)^gc \d+ @.* (\d+)->(\d+)->(\d+) MB`)

// readTrace returns the number of collections and about how many bytes were allocated
// before the last one. The first collection begins at 4 MB, so less than that is not seen.
// For 3 million messages that is 1.4 bytes each, less than the smallest allocation.
func readTrace(text string) (cycles int, allocated float64) {
	live := 0.0
	for _, m := range traceLine.FindAllStringSubmatch(text, -1) {
		began, _ := strconv.ParseFloat(m[1], 64)
		allocated += max(0, began-live) * 1e6
		live, _ = strconv.ParseFloat(m[3], 64)
		cycles++
	}
	return cycles, allocated
}

package checker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/history"
)

// script parses what sets parses, and also
//
//	30 n1 killed
//	9-12 n2 read [17] late       the node wrote the reply when the client had given up
//	9-12 n2 add 17 again         the reply to a second copy of the request
//	0-5 n1 add 17 twice          the request was delivered twice
func script(t testing.TB, text string) (ops []history.Op, kills Kills, copies map[Request]int) {
	kills, copies = Kills{}, map[Request]int{}
	var rest strings.Builder
	var last []string
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if words[len(words)-1] == "killed" {
			var at time.Duration
			if _, err := fmt.Sscan(words[0], (*int64)(&at)); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			kills[words[1]] = append(kills[words[1]], at*time.Millisecond)
			continue
		}
		if words[len(words)-1] == "twice" {
			copies[Request{fmt.Sprintf("c%d", len(last)), words[1], 1}]++
		}
		last = append(last, words[len(words)-1])
		rest.WriteString(line)
	}
	ops = sets(t, rest.String())
	for i := range ops {
		if last[i] == "late" {
			ops[i].GaveUp = ops[i].To - 1
		}
		ops[i].Again = last[i] == "again"
	}
	return ops, kills, copies
}

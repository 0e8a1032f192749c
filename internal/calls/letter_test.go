package calls

import (
	"fmt"
	"testing"
)

func TestLetter(t *testing.T) {
	for _, length := range []int{0, 1, 127, 128, 300, 16383, 16384, 100_000} {
		dest := fmt.Sprintf("%0*d", length, 0)[:length]
		for _, fields := range []string{"", `"type":"t"`} {
			if l := letter(dest, fields); l.Dest() != dest || l.Fields() != fields {
				t.Errorf("%d bytes: %.20q and %.20q", length, l.Dest(), l.Fields())
			}
		}
	}
}

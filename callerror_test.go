package eddy

import (
	"fmt"
	"testing"
)

// The texts that are at hand are those that would be made.
func TestSilenceText(t *testing.T) {
	for n := range len(silences) + 2 {
		if got, want := silenceText(n), fmt.Sprintf("RPC failed after %d attempts", n); got != want {
			t.Errorf("after %d attempts the text is %q", n, got)
		}
	}
}

package main

import (
	"io"
	"testing"

	"github.com/eddyrpc/eddy/internal/golden"
)

// ARCHITECTURE.md shows the measures as they are.
func TestMeasuresInDocs(t *testing.T) {
	t.Chdir("../..")
	r, err := measure(io.Discard, false)
	if err != nil {
		t.Fatal(err)
	}
	golden.Section(t, "ARCHITECTURE.md", "measures", r.table())
}

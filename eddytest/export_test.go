package eddytest

import (
	"testing"

	"github.com/eddyrpc/eddy"
)

// Failure returns what Check says of a node that fails.
func Failure(t *testing.T, newNode func() *eddy.Node, test Test) string {
	return failure(t, newNode, test)
}

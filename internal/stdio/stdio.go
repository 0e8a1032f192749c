// Package stdio makes standard input and output a node's transport.
package stdio

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
)

var opened atomic.Bool

// Open returns the transport: it reads standard input and writes standard output. The
// second time it fails: of two readers each would get a part of the input. From then on a Write to an output that nobody reads returns an error instead of
// ending the process by SIGPIPE.
func Open() (io.ReadWriter, error) {
	if opened.Swap(true) {
		return nil, errors.New("another node of this process has standard input already")
	}
	ignoreClosedPipe()
	return stdio{os.Stdin, os.Stdout}, nil
}

type stdio struct {
	io.Reader
	io.Writer
}

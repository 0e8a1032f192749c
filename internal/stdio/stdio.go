// Package stdio makes standard input and output a node's transport.
package stdio

import (
	"io"
	"os"
)

// Open returns the transport: it reads standard input and writes standard output.
// From then on a Write to an output that nobody reads returns an error instead of
// ending the process by SIGPIPE.
func Open() io.ReadWriter {
	ignoreClosedPipe()
	return stdio{os.Stdin, os.Stdout}
}

type stdio struct {
	io.Reader
	io.Writer
}

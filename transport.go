package eddy

import (
	"io"
	"os"
)

// A Transport carries a node's messages: a stream of lines in, a stream of
// lines out, each line one message. A pair of pipes is one, a network
// connection is another.
//
// The node reads from one goroutine at a time and writes from one at a time. It
// always writes whole lines, one or more at once. Read returns io.EOF when no
// message will come any more. A Write that blocks slows the node down, and never
// grows its memory: it reads no further. So what carries the messages must read
// on whatever else it does; two nodes whose streams are joined directly can wait
// for each other for ever. If the transport is an io.Closer too, Serve closes it.
type Transport interface {
	io.Reader
	io.Writer
}

// Stdio is the transport over standard input and output.
func Stdio() Transport { return &stdio{in: os.Stdin, out: os.Stdout} }

type stdio struct {
	in, out *os.File
	widened bool
}

// Read makes both pipes larger once the input's was full. Then whoever writes to us
// and reads from us waits less for us, and we for him (bench, relay). Twice the size
// is enough, and not too much: what lies in the output's pipe unread is waited for,
// since the timeouts of calls run from when they were written.
func (s *stdio) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	if n == len(p) && !s.widened {
		s.widened = true
		widen(s.in)
		widen(s.out)
	}
	return n, err
}

func (s *stdio) Write(p []byte) (int, error) { return s.out.Write(p) }

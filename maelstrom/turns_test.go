package maelstrom_test

import (
	"io"
	"sync"
)

// turns is the input and output of a node that is given one line at a time: each further
// line when the node has written a message since the line before.
type turns struct {
	out   io.Writer
	lines []string

	mu      sync.Mutex
	written sync.Cond
	given   bool // a line that has caused no message yet
}

func inTurns(out io.Writer, lines ...string) *turns {
	s := &turns{out: out, lines: lines}
	s.written.L = &s.mu
	return s
}

func (s *turns) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lines) == 0 {
		return 0, io.EOF
	}
	for s.given {
		s.written.Wait()
	}
	n := copy(p, s.lines[0]+"\n")
	s.lines, s.given = s.lines[1:], true
	return n, nil
}

func (s *turns) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given = false
	s.written.Signal()
	return s.out.Write(p)
}

package maelstrom_test

import (
	"io"
	"sync"
)

// A lockstep is the input and output of a node. It gives the node one line, and the next
// line when the node has written a message since.
type lockstep struct {
	out   io.Writer
	lines []string

	mu      sync.Mutex
	written sync.Cond
	waiting bool // for the message that the latest line causes
}

func inLockstep(out io.Writer, lines ...string) *lockstep {
	s := &lockstep{out: out, lines: lines}
	s.written.L = &s.mu
	return s
}

func (s *lockstep) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lines) == 0 {
		return 0, io.EOF
	}
	for s.waiting {
		s.written.Wait()
	}
	n := copy(p, s.lines[0]+"\n")
	s.lines, s.waiting = s.lines[1:], true
	return n, nil
}

func (s *lockstep) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = false
	s.written.Signal()
	return s.out.Write(p)
}

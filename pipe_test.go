package eddy_test

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// A pipe is a transport in memory. It records what a node writes, and when.
type pipe struct {
	in     chan []byte
	rest   []byte // of the chunk that arrived last
	closed chan struct{}
	end    func() // of the input

	start time.Time

	mu      sync.Mutex
	is      condition
	changed chan struct{} // closed when is changes
	out     []written
}

// A condition says what becomes of what a node writes.
type condition int

const (
	free condition = iota
	stuck
	broken
)

type written struct {
	at   time.Duration
	text string
}

func newPipe() *pipe {
	p := &pipe{
		in:      make(chan []byte, 1000),
		closed:  make(chan struct{}),
		changed: make(chan struct{}),
		start:   time.Now(),
	}
	p.end = sync.OnceFunc(func() { close(p.in) })
	return p
}

func (p *pipe) arrive(chunk []byte) { p.in <- chunk }
func (p *pipe) eof()                { p.end() }

func (p *pipe) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		select {
		case chunk, ok := <-p.in:
			if !ok {
				return 0, io.EOF
			}
			p.rest = chunk
		case <-p.closed:
			return 0, io.ErrClosedPipe
		}
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.is == stuck {
		changed := p.changed
		p.mu.Unlock()
		<-changed
		p.mu.Lock()
	}
	if p.is == broken {
		return 0, io.ErrClosedPipe
	}
	p.out = append(p.out, written{time.Since(p.start), string(b)})
	return len(b), nil
}

func (p *pipe) Close() error {
	close(p.closed)
	return nil
}

func (p *pipe) set(is condition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.is = is
	close(p.changed)
	p.changed = make(chan struct{})
}

// note adds a line that the node has not written.
func (p *pipe) note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = append(p.out, written{time.Since(p.start), text + "\n"})
}

// lines calls each for every line that was written since the last time.
func (p *pipe) lines(each func(at time.Duration, line string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.out {
		for line := range strings.Lines(w.text) {
			each(w.at, strings.TrimSuffix(line, "\n"))
		}
	}
	p.out = nil
}

const initLine = `{"src":"c0","dest":"n1","body":{"type":"init","msg_id":0,"node_id":"n1","node_ids":["n1","n2"]}}` + "\n"

// requestLine returns a request of c1 to n1.
func requestLine(typ string, id int) string {
	return fmt.Sprintf(`{"src":"c1","dest":"n1","body":{"type":%q,"msg_id":%d,"i":%d}}`, typ, id, id) + "\n"
}

package eddytest

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/message"
)

// A port is the transport of a node.
type port struct {
	net     *Net
	name    string
	left    chan struct{} // closed when the node has ended
	changed sync.Cond     // its lock is mu of net, which guards what follows
	inbox   []byte        // lines that were not read yet
	ended   bool          // no further line will come
	closed  bool
}

func (p *port) arrive(_ eddy.Message, line []byte) {
	if !p.ended {
		p.inbox = append(p.inbox, line...)
		p.changed.Broadcast()
	}
}

func (p *port) end() {
	p.ended = true
	p.changed.Broadcast()
}

// Read waits for messages, and returns io.EOF after the last.
func (p *port) Read(b []byte) (int, error) {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	for len(p.inbox) == 0 && !p.ended {
		p.changed.Wait()
	}
	if len(p.inbox) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.inbox)
	p.inbox = p.inbox[n:]
	return n, nil
}

// Write sends messages. A line that is no message fails the test.
func (p *port) Write(lines []byte) (int, error) {
	for line := range bytes.Lines(lines) {
		line = bytes.Clone(line) // the network and the journal keep it
		m, err := parse(line)
		if err == nil && m.Src != p.name {
			err = fmt.Errorf("its src is %s", m.Src)
		}
		if err != nil {
			p.net.t.Errorf("eddytest: %s wrote an invalid message: %v\n%s", p.name, err, line)
			continue
		}
		p.net.send(m, line)
	}
	return len(lines), nil
}

// Close is called by the node when it has ended.
func (p *port) Close() error {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	p.end()
	if !p.closed {
		p.closed = true
		delete(p.net.places, p.name)
		close(p.left)
	}
	return nil
}

// parse parses a line with the parser of the workbench. The parser of the node would not find
// its own mistakes.
func parse(line []byte) (eddy.Message, error) {
	m, err := message.Parse(line)
	return eddy.Message{Src: m.Src, Dest: m.Dest, ID: m.ID, InReplyTo: m.InReplyTo, Body: m.Body}, err
}

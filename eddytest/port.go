package eddytest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/eddyrpc/eddy"
)

// A port is a node's end of the network: its eddy.Transport.
type port struct {
	net     *Net
	name    string
	left    chan struct{} // closed when the node has ended
	changed sync.Cond     // with mu of the net, which guards all below
	inbox   []byte        // lines that were not yet read
	ended   bool          // no more will come
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

// Write sends messages. A line that is none fails the test.
func (p *port) Write(lines []byte) (int, error) {
	for line := range bytes.Lines(lines) {
		line = bytes.Clone(line) // it stays with us, in flight and in the journal
		m, err := parse(line)
		if err == nil && m.Src != p.name {
			err = fmt.Errorf("its src is %s", m.Src)
		}
		if err != nil {
			p.net.t.Errorf("eddytest: %s wrote what is no message of its own: %v\n%s", p.name, err, line)
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

// parse reads a line. The node's own reader is not asked: its faults would hide
// themselves.
func parse(line []byte) (eddy.Message, error) {
	var m struct {
		Src, Dest *string
		Body      json.RawMessage
	}
	var body struct {
		Type      *string
		ID        *int64 `json:"msg_id"`
		InReplyTo *int64 `json:"in_reply_to"`
	}
	if err := json.Unmarshal(line, &m); err != nil {
		return eddy.Message{}, err
	}
	if m.Src == nil || m.Dest == nil || m.Body == nil {
		return eddy.Message{}, errors.New("src, dest or body is missing")
	}
	if err := json.Unmarshal(m.Body, &body); err != nil {
		return eddy.Message{}, err
	}
	if body.Type == nil {
		return eddy.Message{}, errors.New("body.type is missing")
	}
	return eddy.Message{
		Src: *m.Src, Dest: *m.Dest, Type: *body.Type,
		ID: idOf(body.ID), InReplyTo: idOf(body.InReplyTo),
		Body: eddy.Raw(m.Body),
	}, nil
}

func idOf(id *int64) int64 {
	if id == nil {
		return eddy.NoID
	}
	return *id
}

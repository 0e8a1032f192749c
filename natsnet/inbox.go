package natsnet

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// An inbox holds lines that have come until they are read.
type inbox struct {
	mu             sync.Mutex
	some           *sync.Cond
	waiting, spare []byte
	reading        []byte // what is being read; the reader's
	max            int
	closed         bool
	lost           atomic.Int64
}

func (b *inbox) init(max int) {
	b.max = max
	b.some = sync.NewCond(&b.mu)
}

// put takes in one line, without its newline, or loses it if too much waits.
func (b *inbox) put(line []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || len(b.waiting) > 0 && len(b.waiting)+len(line) >= b.max {
		b.lost.Add(1)
		return
	}
	b.waiting = append(append(b.waiting, line...), '\n')
	b.some.Signal()
}

func (b *inbox) read(p []byte) (int, error) {
	if len(b.reading) == 0 {
		b.mu.Lock()
		for len(b.waiting) == 0 && !b.closed {
			b.some.Wait()
		}
		if len(b.waiting) == 0 {
			b.mu.Unlock()
			return 0, io.EOF
		}
		b.reading, b.waiting, b.spare = b.waiting, b.spare[:0], b.waiting
		if cap(b.spare) > 1<<20 {
			b.spare = nil // a burst's memory is not kept
		}
		b.mu.Unlock()
	}
	n := copy(p, b.reading)
	b.reading = b.reading[n:]
	return n, nil
}

func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.some.Broadcast()
}

// initSource is who sends a node its init.
const initSource = "eddy-join"

// initLine is the message that tells a node its name.
func initLine(node string, nodes []string) []byte {
	line, err := json.Marshal(map[string]any{
		"src": initSource, "dest": node,
		"body": map[string]any{"type": "init", "msg_id": 1, "node_id": node, "node_ids": nodes},
	})
	if err != nil {
		panic(err) // of strings it can't be
	}
	return line
}

func indexNewline(b []byte) int { return bytes.IndexByte(b, '\n') }

// quote is the beginning of a line, for a log.
func quote(line []byte) string {
	const most = 200
	if len(line) > most {
		line = line[:most]
		for len(line) > most-utf8.UTFMax && !utf8.Valid(line) {
			line = line[:len(line)-1]
		}
	}
	return string(line)
}

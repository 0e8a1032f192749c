package natsnet

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/eddyrpc/eddy/internal/wire"
)

// lives keep apart the lives of a node: one that has died and come back numbers its
// messages from 0 again, and the reply to what it asked before must not settle a
// call that it makes now. A request's reply subject names the life that asks; its
// reply names that in a header.
type lives struct {
	mu    sync.Mutex
	now   string
	asked map[question]string // the life of whoever asked, until it is answered
}

type question struct {
	src string
	id  int64
}

const (
	lifeHeader = "Eddy-Life"
	maxAsked   = 200_000 // of those whose answer never comes some are forgotten: their life is not looked at
)

func (l *lives) begin() {
	var b [8]byte
	rand.Read(b[:])
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = hex.EncodeToString(b[:])
}

func (l *lives) own() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// accept reports whether a message is for this life, and remembers whose life a
// request comes from.
func (l *lives) accept(m *nats.Msg, scanned *wire.Message) bool {
	body := &scanned.Body
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case body.InReplyTo != wire.NoID:
		life := m.Header.Get(lifeHeader)
		return life == "" || life == l.now
	case body.ID == wire.NoID:
		return true
	}
	life := lifeOf(m.Reply)
	if life == "" {
		return true
	}
	for other := range l.asked {
		if len(l.asked) < maxAsked {
			break
		}
		delete(l.asked, other)
	}
	if l.asked == nil {
		l.asked = make(map[question]string)
	}
	l.asked[question{string(scanned.Src), body.ID}] = life
	return true
}

// lifeOf is the life in a reply subject as subjects.unheard makes it.
func lifeOf(reply string) string {
	tokens := strings.Split(reply, ".")
	if len(tokens) != 6 {
		return ""
	}
	return tokens[4]
}

// address writes into a reply which life it is for.
func (l *lives) address(m *nats.Msg, scanned *wire.Message) {
	if scanned.Body.InReplyTo == wire.NoID {
		return
	}
	q := question{string(scanned.Dest), scanned.Body.InReplyTo}
	l.mu.Lock()
	defer l.mu.Unlock()
	if life := l.asked[q]; life != "" {
		delete(l.asked, q)
		m.Header = nats.Header{lifeHeader: {life}}
	}
}

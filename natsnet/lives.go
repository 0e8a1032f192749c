package natsnet

import (
	"crypto/rand"
	"encoding/hex"
	"sync"

	"github.com/eddyrpc/eddy/internal/wire"
)

// lives keep apart the lives of a node: one that has died and come back numbers its
// messages from 0 again, and the reply to what it asked before must not settle a
// call that it makes now. The reply subject of every message names the life that
// sends it; that of a reply also the life that had asked.
type lives struct {
	mu    sync.Mutex
	now   string
	asked map[question]string // the life of whoever asked, until it is answered
}

type question struct {
	src string
	id  int64
}

const maxAsked = 200_000 // of those whose answer never comes some are forgotten: their life is not looked at

func (l *lives) begin() {
	var b [8]byte
	rand.Read(b[:])
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = hex.EncodeToString(b[:])
}

// accept reports whether a message is for this life, and remembers whose life a
// request comes from.
func (l *lives) accept(src, reply string, body *wire.Body) bool {
	sender, asker := livesIn(reply)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case body.InReplyTo != wire.NoID:
		return asker == "" || asker == l.now
	case body.ID == wire.NoID || sender == "":
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
	l.asked[question{src, body.ID}] = sender
	return true
}

// reply is the reply subject of a message.
func (l *lives) reply(dest *peer, body *wire.Body) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	subject := dest.unheard(l.now)
	if body.InReplyTo == wire.NoID {
		return subject
	}
	q := question{dest.name, body.InReplyTo}
	asker := l.asked[q]
	if asker == "" {
		return subject
	}
	delete(l.asked, q)
	return subject + "." + asker
}

package eddy

import "github.com/eddyrpc/eddy/internal/wire"

// A lookahead is lines that are scanned before the first of them is served: as many as
// are at hand. A processor keeps the code that it ran last nearest, and the scan's is
// then there for all of them, as is the rest's when they are served: a tenth of what a
// relay costs (BenchmarkRelay in cmd/relay; 16 lines gain less, 64 no more).
type lookahead struct {
	lines     [32]scanned
	next, end int // those that are still to be served
}

// A scanned line is a message, or what is wrong with it.
type scanned struct {
	text   []byte
	number int // of the line, from 1 on
	msg    wire.Message
	fault  error // of the scan
	unread error // why there is no line, or just the beginning of one: wire.ErrTooLong
}

// nextLine is the next line to be served; it is valid until it is called again.
func (n *Node) nextLine() *scanned {
	a := &n.reader.ahead
	if a.next == a.end {
		a.fill(n.reader.lines, n.dialect())
	}
	a.next++
	return &a.lines[a.next-1]
}

func (a *lookahead) fill(from *wire.Lines, dialect wire.Dialect) {
	s := &a.lines[0]
	s.text, s.unread = from.Next() // which may end the goroutine: then nothing is to be served
	s.number = from.Number()
	a.next, a.end = 0, 1
	for s.unread == nil {
		s.fault = dialect.Scan(&s.msg, s.text)
		if a.end == len(a.lines) {
			return
		}
		text := from.AtHand()
		if text == nil {
			return
		}
		s = &a.lines[a.end]
		s.text, s.number, s.unread = text, from.Number(), nil
		a.end++
	}
}

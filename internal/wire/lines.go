package wire

import (
	"bytes"
	"errors"
	"io"
	"math"
)

// ErrTooLong is the error of a line over the limit.
var ErrTooLong = errors.New("line too long")

const (
	readSize = 64 << 10 // as much as a pipe holds
	headSize = 4 << 10  // what is kept of a line over the limit
)

// Lines reads lines from r. Whatever the length of a line, memory stays within
// twice the limit; what a long line needed is given back when all that was read
// behind it has been returned (not before: a stream of such lines would pay for
// new memory each time).
type Lines struct {
	r          io.Reader
	limit      int
	buf        []byte
	start, end int // what was read and not yet returned: buf[start:end]
	seen       int // up to here there is no newline
	number     int // of the line returned last
	err        error
	reply      bool // the last line over the limit named an in_reply_to
}

// NewLines reads from r lines of at most limit bytes, the newline not counted.
func NewLines(r io.Reader, limit int) *Lines {
	limit = min(limit, math.MaxInt-readSize) // lest makeRoom's sum overflow
	return &Lines{r: r, limit: limit, buf: make([]byte, readSize)}
}

// Reply reports whether the line that Next returned last, with ErrTooLong, has an
// in_reply_to somewhere: a reply must not be answered.
func (l *Lines) Reply() bool { return l.reply }

// Number is the number of the line that Next returned last, from 1 on.
func (l *Lines) Number() int { return l.number }

// Next returns the next line without its newline; it is valid until Next is called
// again. A line over the limit comes as its beginning, with ErrTooLong, and the
// rest of it is skipped. The last line may lack its newline. At the end the
// error is io.EOF, or the reader's own.
func (l *Lines) Next() ([]byte, error) {
	for {
		if i := bytes.IndexByte(l.buf[l.seen:l.end], '\n'); i >= 0 {
			end := l.seen + i
			line := l.buf[l.start:end:end] // what is appended to it must not be what comes next
			l.start = end + 1
			l.seen = l.start
			l.number++
			if len(line) > l.limit {
				l.reply = bytes.Contains(line, replyName)
				return line[:min(headSize, l.limit)], ErrTooLong
			}
			return line, nil
		}
		l.seen = l.end
		if l.end-l.start > l.limit {
			return l.skipRest()
		}
		if l.err != nil {
			line := l.buf[l.start:l.end]
			if len(line) == 0 {
				return nil, l.err
			}
			l.start = l.end
			l.number++
			return line, nil
		}
		l.makeRoom()
		l.fill()
	}
}

// AtHand is Next for a line that takes no reading and no care: all of it is in the
// buffer, which is no larger than usual, and it is within the limit. Otherwise it is
// nil. What Next and AtHand have returned stays valid.
func (l *Lines) AtHand() []byte {
	if len(l.buf) > readSize {
		return nil
	}
	i := bytes.IndexByte(l.buf[l.seen:l.end], '\n')
	if i < 0 {
		l.seen = l.end
		return nil
	}
	end := l.seen + i
	if end-l.start > l.limit {
		return nil
	}
	line := l.buf[l.start:end:end]
	l.start, l.seen = end+1, end+1
	l.number++
	return line
}

// makeRoom moves what is left to the front of a buffer that has room behind it.
func (l *Lines) makeRoom() {
	left := l.end - l.start
	to := l.buf
	switch {
	case left == 0 && len(l.buf) > readSize:
		to = make([]byte, readSize) // a long line is over
	case l.start == 0 && left < len(l.buf):
		return // there is room
	case left == len(l.buf) && 4*len(l.buf) < l.limit:
		to = make([]byte, 4*len(l.buf)) // what is not read yet costs nothing
	case left == len(l.buf):
		to = make([]byte, l.limit+readSize)
	}
	copy(to, l.buf[l.start:l.end])
	l.buf, l.start, l.end, l.seen = to, 0, left, left
}

func (l *Lines) fill() {
	n, err := l.r.Read(l.buf[l.end:])
	l.end += n
	l.err = err
}

// skipRest drops the line that the buffer begins with, up to its newline.
func (l *Lines) skipRest() ([]byte, error) {
	line := l.buf[l.start:l.end]
	head := bytes.Clone(line[:min(headSize, l.limit)])
	l.reply = bytes.Contains(line, replyName)
	kept := line[max(0, len(line)-len(replyName)):] // the name may stand across two reads
	buf := make([]byte, readSize)
	for {
		l.end = copy(buf, kept)
		l.buf = buf
		if l.err == nil {
			l.fill()
		}
		end := bytes.IndexByte(l.buf[:l.end], '\n')
		if end < 0 && l.err == nil {
			l.reply = l.reply || bytes.Contains(l.buf[:l.end], replyName)
			kept = buf[max(0, l.end-len(replyName)):l.end]
			continue
		}
		if end < 0 {
			end = l.end - 1
		}
		l.reply = l.reply || bytes.Contains(l.buf[:end+1], replyName)
		l.start, l.seen = end+1, end+1
		l.number++
		return head, ErrTooLong
	}
}

// replyName is found in a line without reading it as JSON. Within a string it
// would stand with its quotes escaped.
var replyName = []byte(`"in_reply_to"`)

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
	headSize = 4 << 10  // how much of a line over the limit is returned
)

// Lines reads lines. It needs at most twice the limit of memory, however long a line
// is. The buffer grows for a long line, and is replaced by a small one when all that is
// in it has been returned.
type Lines struct {
	r          io.Reader
	limit      int
	buf        []byte
	start, end int // buf[start:end] was read and not yet returned
	seen       int // buf[start:seen] has no newline
	number     int // of the line that was returned last
	err        error
	reply      bool // the last line over the limit contains replyName
}

// NewLines returns a reader of lines of at most limit bytes, without the newline.
func NewLines(r io.Reader, limit int) *Lines {
	limit = min(limit, math.MaxInt-readSize) // a buffer holds limit+readSize bytes
	return &Lines{r: r, limit: limit, buf: make([]byte, readSize)}
}

// Number returns the number of the line that Next returned last. The first is 1.
func (l *Lines) Number() int { return l.number }

// replyName is searched for in a line over the limit, which is not parsed. In a string
// its quotes would be escaped.
var replyName = []byte(`"in_reply_to"`)

// Reply reports whether the line that Next returned last, with ErrTooLong, has an
// in_reply_to. A reply gets no reply, not even an error.
func (l *Lines) Reply() bool { return l.reply }

// Next returns the next line without its newline. It is valid until the next call. The
// last line may lack the newline. Of a line over the limit Next returns the beginning
// and ErrTooLong, and skips the rest. At the end it returns io.EOF or the error of the
// reader.
func (l *Lines) Next() ([]byte, error) {
	for {
		if i := bytes.IndexByte(l.buf[l.seen:l.end], '\n'); i >= 0 {
			end := l.seen + i
			line := l.buf[l.start:end:end] // append must not change the next line
			l.start, l.seen = end+1, end+1
			return l.take(line)
		}
		l.seen = l.end
		switch left := l.buf[l.start:l.end]; {
		case len(left) > l.limit:
			return l.skipRest(left)
		case l.err == nil:
			l.makeRoom()
			l.fill()
		case len(left) > 0:
			l.start = l.end
			return l.take(left)
		default:
			return nil, l.err
		}
	}
}

// take returns a line that was read whole.
func (l *Lines) take(line []byte) ([]byte, error) {
	l.number++
	if len(line) <= l.limit {
		return line, nil
	}
	l.reply = bytes.Contains(line, replyName)
	return line[:min(headSize, l.limit)], ErrTooLong
}

// makeRoom moves what is left to the front of a buffer with room for more.
func (l *Lines) makeRoom() {
	left := l.end - l.start
	to := l.buf
	switch {
	case left == 0 && len(l.buf) > readSize:
		to = make([]byte, readSize) // the long line has been returned
	case l.start == 0 && left < len(l.buf):
		return // there is room
	case left == len(l.buf) && 4*len(l.buf) < l.limit:
		to = make([]byte, 4*len(l.buf))
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

// skipRest skips the rest of a line over the limit, of which only part was read.
func (l *Lines) skipRest(part []byte) ([]byte, error) {
	head := bytes.Clone(part[:min(headSize, l.limit)])
	l.number++
	l.reply = bytes.Contains(part, replyName)
	l.buf, l.start, l.end = make([]byte, readSize), 0, 0
	for ended := false; !ended && l.err == nil; {
		// The name may be divided between two reads.
		l.end = copy(l.buf, part[max(0, len(part)-len(replyName)):])
		l.fill()
		part, _, ended = bytes.Cut(l.buf[:l.end], []byte("\n"))
		l.reply = l.reply || bytes.Contains(part, replyName)
		l.start = min(len(part)+1, l.end)
	}
	l.seen = l.start
	return head, ErrTooLong
}

package cluster

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"sync"
)

// maxStderrLog bounds the size of one node's stderrLog in bytes.
const maxStderrLog = 64 << 20

// A stderrLog is the file with what all incarnations of a node wrote to stderr. It
// omits what exceeds maxStderrLog, and what cannot be written, such as while the disk is
// full. The file says so where something is missing.
type stderrLog struct {
	mu   sync.Mutex
	file io.WriteCloser // nil after close
	w    *bufio.Writer
	size int

	lost, gap int   // bytes that could not be written: in all, and since the last that could
	err       error // why
}

func openStderrLog(path string) (*stderrLog, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return newStderrLog(f), nil
}

func newStderrLog(file io.WriteCloser) *stderrLog {
	return &stderrLog{file: file, w: bufio.NewWriter(file)}
}

func (l *stderrLog) write(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.file == nil || l.size > maxStderrLog:
		return
	case l.size+len(line) > maxStderrLog:
		l.add(fmt.Appendf(nil, "(the rest is omitted: the limit is %d bytes)", maxStderrLog))
	default:
		l.add(line)
	}
	l.size += len(line) + 1
}

// add writes a line to the buffer, which must have room for it. Otherwise an error would
// not say which lines are lost.
func (l *stderrLog) add(line []byte) {
	if l.w.Available() <= len(line) && !l.flush() {
		l.lose(len(line)+1, l.err)
		return
	}
	l.w.Write(line)
	if err := l.w.WriteByte('\n'); err != nil { // of a line that is longer than the buffer
		l.lose(len(line)+1, err)
		l.w.Reset(l.file)
	}
}

// flush writes the buffer to the file. If it cannot, the buffer is lost.
func (l *stderrLog) flush() bool {
	if l.gap > 0 {
		note := fmt.Appendf(nil, "(%d bytes are missing: %v)\n", l.gap, l.err)
		if _, err := l.file.Write(note); err != nil {
			l.lose(l.w.Buffered(), err)
			l.w.Reset(l.file)
			return false
		}
		l.gap = 0
	}
	buffered := l.w.Buffered()
	if err := l.w.Flush(); err != nil {
		l.lose(buffered, err)
		l.w.Reset(l.file)
		return false
	}
	return true
}

func (l *stderrLog) lose(bytes int, err error) {
	l.lost += bytes
	l.gap += bytes
	l.err = err
}

// missing flushes the log and returns how many bytes could not be written, and why.
func (l *stderrLog) missing() (bytes int, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		l.flush()
	}
	return l.lost, l.err
}

func (l *stderrLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		l.flush()
		l.file.Close()
		l.file = nil
	}
}

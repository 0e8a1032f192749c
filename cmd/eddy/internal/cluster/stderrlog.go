package cluster

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// maxStderrLog bounds the size of one node's stderrLog in bytes.
const maxStderrLog = 64 << 20

// A stderrLog is the file with what all incarnations of a node wrote to stderr. It
// omits what exceeds maxStderrLog.
type stderrLog struct {
	mu   sync.Mutex
	file *os.File
	w    *bufio.Writer
	size int
}

func openStderrLog(path string) (*stderrLog, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &stderrLog{file: f, w: bufio.NewWriter(f)}, nil
}

func (l *stderrLog) write(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.file == nil || l.size > maxStderrLog:
		return
	case l.size+len(line) > maxStderrLog:
		fmt.Fprintf(l.w, "(the rest is omitted: the limit is %d bytes)\n", maxStderrLog)
	default:
		l.w.Write(line)
		l.w.WriteByte('\n')
	}
	l.size += len(line) + 1
}

func (l *stderrLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		l.w.Flush()
		l.file.Close()
		l.file = nil
	}
}

// find returns the absolute path of a program. It searches PATH if the name has no
// slash.
func find(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

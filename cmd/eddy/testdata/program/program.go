// Package program lets a node program of the tests run as a process, and also in virtual time
// beside other nodes in one process.
package program

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// A Process is what a node program uses of its process.
type Process struct {
	Context        context.Context // ends when the process is killed
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Args           []string
	Dir            func() string // the working directory
	Exit           func(status int)
	Random         *rand.Rand // safe for concurrent use
}

// OS returns this process.
func OS() *Process {
	return &Process{
		Context: context.Background(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Args: os.Args[1:], Dir: func() string { return "." }, Exit: os.Exit, Random: Random(rand.Uint64()),
	}
}

// Main returns a program as it runs as this process.
func Main(run func(*Process)) func() { return func() { run(OS()) } }

// Random returns random numbers that several goroutines can draw.
func Random(seed uint64) *rand.Rand { return rand.New(&source{of: rand.NewPCG(seed, 0)}) }

// A source lets one goroutine at a time draw.
type source struct {
	mu sync.Mutex
	of *rand.PCG
}

func (s *source) Uint64() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of.Uint64()
}

// OneIn reports true once in n times.
func (p *Process) OneIn(n int) bool { return p.Random.IntN(n) == 0 }

// Printf writes to Stdout.
func (p *Process) Printf(format string, args ...any) { fmt.Fprintf(p.Stdout, format, args...) }

// Path returns the path of a file in the working directory.
func (p *Process) Path(name string) string { return filepath.Join(p.Dir(), name) }

// Append opens a file in the working directory for reading and for lines at its end. The file
// is closed when the process ends.
func (p *Process) Append(name string) *os.File {
	file, err := os.OpenFile(p.Path(name), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		panic(err)
	}
	context.AfterFunc(p.Context, func() { file.Close() })
	return file
}

// Every calls f at once and then again and again, until the process ends.
func (p *Process) Every(wait time.Duration, f func()) {
	for {
		f()
		select {
		case <-time.After(wait):
		case <-p.Context.Done():
			return
		}
	}
}

// After calls f after a while, unless the process ends before.
func (p *Process) After(wait time.Duration, f func()) *time.Timer {
	return time.AfterFunc(wait, func() {
		if p.Context.Err() == nil {
			f()
		}
	})
}

// Wait waits for a while, or until the process ends.
func (p *Process) Wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-p.Context.Done():
	}
}

// Log returns a log on Stderr.
func (p *Process) Log() *slog.Logger { return slog.New(slog.NewTextHandler(p.Stderr, nil)) }

// Read and Write make a Process a transport for [eddy.Node.Serve].
func (p *Process) Read(b []byte) (int, error) { return p.Stdin.Read(b) }

// Write writes to Stdout.
func (p *Process) Write(b []byte) (int, error) { return p.Stdout.Write(b) }

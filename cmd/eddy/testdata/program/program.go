// Package program lets a node program of the tests run as a process, and also in virtual time
// beside other nodes in one process.
package program

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
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
}

// Main runs a program as this process.
func Main(run func(*Process)) {
	run(&Process{
		Context: context.Background(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Args: os.Args[1:], Dir: func() string { return "." }, Exit: os.Exit,
	})
}

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

// Wait waits for a while, or until the process ends.
func (p *Process) Wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-p.Context.Done():
	}
}

// Log returns a log on Stderr.
func (p *Process) Log() *slog.Logger { return slog.New(slog.NewTextHandler(p.Stderr, nil)) }

package natsserver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/nats-io/nats-server/v2/server"
)

// TestHeader is the first line of the configuration of a server that eddy test starts.
// Serve removes files only if the configuration begins with it.
const TestHeader = "# Made by eddy test. At its end the server removes this file and what it has stored.\n"

// Serve is a NATS server until the input ends, which the process that started this one
// holds open.
//
// If the configuration begins with TestHeader, Serve then removes the file, the store
// beside it, and the directory of both if nothing else is in it: the test that made them
// may be dead. It removes nothing else.
func Serve(file string, input io.Reader) error {
	signal.Ignore(syscall.SIGPIPE) // the reader of the log may be gone
	options, err := server.ProcessConfigFile(file)
	if err != nil {
		return fmt.Errorf("NATS server: %w", err)
	}
	options.NoSigs = true
	s, err := server.NewServer(options)
	if err != nil {
		return fmt.Errorf("NATS server: %w", err)
	}
	s.ConfigureLogger()
	s.Start()
	ended := make(chan error, 2)
	go func() { s.WaitForShutdown(); ended <- errors.New("NATS server: it has ended by itself") }()
	go func() { io.Copy(io.Discard, input); ended <- nil }()
	err = <-ended
	s.Shutdown()
	s.WaitForShutdown()
	if err != nil {
		return err
	}
	return removeTest(file)
}

// StoreOf returns the directory in which the server of a test keeps its data: beside its
// configuration.
func StoreOf(file string) string { return strings.TrimSuffix(file, ".conf") + ".data" }

// removeTest removes what a test has made for a server.
func removeTest(file string) error {
	text, err := os.ReadFile(file)
	if err != nil || !bytes.HasPrefix(text, []byte(TestHeader)) {
		return err
	}
	err = os.RemoveAll(StoreOf(file))
	os.Remove(file)
	os.Remove(filepath.Dir(file))
	return err
}

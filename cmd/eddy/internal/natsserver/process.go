package natsserver

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/nats-io/nats-server/v2/server"
)

// Serve is a NATS server with a configuration file until the input ends, which
// whoever has started this process holds open. Then what JetStream has kept is
// removed, and the file and its directory if nothing else is in it: who started us may
// be dead.
func Serve(file string, input io.Reader) error {
	signal.Ignore(syscall.SIGPIPE) // of a log that nobody reads any more
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
	go s.Start()
	ended := make(chan error, 2)
	go func() { s.WaitForShutdown(); ended <- errors.New("NATS server: it has ended by itself") }()
	go func() { io.Copy(io.Discard, input); ended <- nil }()
	err = <-ended
	s.Shutdown()
	s.WaitForShutdown()
	if err == nil {
		err = os.RemoveAll(options.StoreDir)
		os.Remove(file)
		os.Remove(filepath.Dir(file))
	}
	return err
}

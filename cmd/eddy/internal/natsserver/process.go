package natsserver

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/nats-io/nats-server/v2/server"
)

// Serve is a NATS server with a configuration file until the input ends, which
// whoever has started this process holds open; then what JetStream has kept is
// removed, since it goes with the one who started us.
func Serve(file string, input io.Reader) error {
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
	}
	return err
}

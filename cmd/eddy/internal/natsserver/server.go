// Package natsserver runs NATS servers and writes their configurations.
package natsserver

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A Server is a NATS server within this process that other machines cannot reach.
type Server struct{ server *server.Server }

// AnyPort is the port of a server that takes a free one.
const AnyPort = server.RANDOM_PORT

// Start starts a server on a port of this machine. JetStream stores its data in a directory.
func Start(store string, port int) (*Server, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "eddy-up", Host: "127.0.0.1", Port: port, NoLog: true, NoSigs: true,
		JetStream: true, StoreDir: store,
	})
	if err != nil {
		return nil, fmt.Errorf("NATS server: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		s.Shutdown()
		return nil, errors.New("NATS server: not ready after 10 s")
	}
	return &Server{s}, nil
}

// URL returns the URL of the server.
func (s *Server) URL() string { return s.server.ClientURL() }

// Stop stops the server.
func (s *Server) Stop() {
	s.server.Shutdown()
	s.server.WaitForShutdown()
}

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

// Start starts a server on a free port. JetStream stores its data in a directory.
func Start(store string) (*Server, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "eddy-up", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
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

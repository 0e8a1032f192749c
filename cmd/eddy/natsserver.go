package main

import (
	"os"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/natsserver"
)

// natsServerCommand is `eddy nats-server`, by which eddy test starts its NATS servers: a
// server that a test kills must be a process of its own.
type natsServerCommand struct {
	File string `arg:"" help:"The configuration of the server."`
}

func (c *natsServerCommand) Run() error { return natsserver.Serve(c.File, os.Stdin) }

package main

import (
	"os"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/natsserver"
)

// natsServerCommand is what eddy test starts its NATS servers by: a server that is to
// be killed must be a process of its own.
type natsServerCommand struct {
	File string `arg:"" help:"The server's configuration."`
}

func (c *natsServerCommand) Run() error { return natsserver.Serve(c.File, os.Stdin) }

package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/lease"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/natskv"
)

// servicesCommand is `eddy services`.
type servicesCommand struct {
	natsFlags
	Replicas int           `default:"1" help:"How many servers store each value (${default}); at most the number of servers. With 3, one of them can fail."`
	Wait     time.Duration `default:"30s" help:"Wait at most this long for JetStream (${default})."`
}

func (servicesCommand) Help() string {
	return `It serves lin-kv, seq-kv, lww-kv and lin-tso to the nodes of a cluster. JetStream stores the data, which survive the nodes, this process and the servers. If it runs twice in a cluster, the second process waits as a standby, and serves when the first one ends.`
}

func (c *servicesCommand) Run() error {
	if c.Replicas < 1 || c.Replicas > 5 {
		return usageError("--replicas must be from 1 to 5")
	}
	net, err := c.config("")
	if err != nil {
		return err
	}
	ctx, stop := untilSignal()
	defer stop()
	log := textLog(os.Stderr)
	held := lease.Config{Net: net, Name: "services", Replicas: c.Replicas, Log: log, Patience: min(c.Wait, 2*time.Second)}
	err = lease.Hold(ctx, held, func(ctx context.Context) error {
		return natskv.Serve(ctx, natskv.Config{Net: net, Replicas: c.Replicas, Wait: c.Wait, Log: log},
			func() { fmt.Printf("serving %s\n", strings.Join(natskv.Names(), ", ")) })
	})
	if err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

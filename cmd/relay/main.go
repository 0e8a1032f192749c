// Relay is a node that calls other nodes for its clients, with retries. It replies to
// init, echo and
//
//	{"type":"relay","msg_id":1,"target":"n2","payload":{"type":"read"}}
//
// It imports package eddy and the standard library only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/eddyrpc/eddy"
)

func main() { os.Exit(run()) }

// run returns the exit status: 0 after the end of the input, 1 if the input or the output
// failed, 2 for invalid arguments.
func run() int {
	o, err := parse(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case o.version:
		fmt.Println("relay", version())
		return 0
	}
	logs := eddy.NewLogQueue(os.Stderr)
	defer logs.Flush(time.Second)
	n := &eddy.Node{
		MaxLine:   int(o.maxLine),
		MaxOpen:   o.maxOpen,
		Drain:     time.Duration(o.drain),
		StopAtEOF: o.eof == "stop",
		Spaced:    !o.compact,
		Log:       o.logger(logs),
	}
	for _, warning := range o.policy.Warnings() {
		n.Log.Warn("policy", "warning", warning)
	}
	n.HandleInline("echo", echo)
	n.HandleInline("relay", relay(o.policy))
	err = n.Run()
	summary(n, logs)
	if err != nil {
		n.Log.Error("relay ended", "error", err)
		return 1
	}
	return 0
}

// summary logs the counters of the node.
func summary(n *eddy.Node, logs *eddy.LogQueue) {
	s := n.Stats()
	n.Log.LogAttrs(context.Background(), slog.LevelInfo, "summary",
		slog.Int64("in", s.In),
		slog.Int64("out", s.Out),
		slog.Int64("calls", s.Calls),
		slog.Int64("attempts", s.Attempts),
		slog.Int64("retries", s.Retries),
		slog.Int64("late", s.Late),
		slog.Int64("strays", s.Strays),
		slog.Int64("failures", s.Failures),
		slog.Int64("refused", s.Refused),
		slog.Int64("expired", s.Expired),
		slog.Int64("dropped", s.Dropped),
		slog.Int64("bad_lines", s.BadLines),
		slog.Int64("log_dropped", logs.Dropped()),
	)
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/talk"
)

// talkCommand is `eddy talk`.
type talkCommand struct {
	NodeID  string        `name:"node-id" default:"n1" help:"The node's id."`
	NodeIDs []string      `name:"node-ids" default:"n1,n2,n3" help:"All nodes' ids, with commas between."`
	NoInit  bool          `name:"no-init" help:"Don't send init."`
	As      string        `default:"c1" help:"The client that sends what is typed."`
	Wait    time.Duration `default:"5s" help:"At the end of a piped session, wait this long for answers."`
	Grace   time.Duration `default:"5s" help:"At the end of its input, give the node this long to end by itself."`
	MaxLine int           `default:"16777216" placeholder:"BYTES" help:"Skip the rest of a node's line beyond this (${default})."`
	Show    int           `default:"2000" placeholder:"BYTES" help:"Show at most this much of a message (${default}; 0 for all)."`
	Time    string        `default:"since" enum:"since,none" help:"The time column: since (the start) or none."`
	Color   string        `default:"auto" enum:"auto,always,never" help:"Colours: auto (to a terminal, unless NO_COLOR is set), always, never."`

	Program string   `arg:"" passthrough:"" help:"The node program, in any language; what follows are its own arguments."`
	Args    []string `arg:"" optional:"" help:"The program's arguments."`
}

func (talkCommand) Help() string {
	return `Flags of talk come before the program: eddy talk [flags] PROGRAM [ARGS...]

Type echo hi, or read, or write x 3, or relay n2 read, or any type with name=value pairs, or JSON; type help for more. A session can be piped in, too.

The exit status is 0, or 1 if the node ended badly.`
}

func (c *talkCommand) check() error {
	switch {
	case strings.HasPrefix(c.Program, "-"):
		// Whatever comes first and is no flag of ours is the program to kong.
		return usageError("unknown flag %s; see eddy talk --help", c.Program)
	case !c.NoInit && !slices.Contains(c.NodeIDs, c.NodeID):
		return usageError("--node-id %s is not among --node-ids %s", c.NodeID, strings.Join(c.NodeIDs, ","))
	case c.As == "" || c.NodeID == "":
		return usageError("an id must not be empty")
	case c.Wait < 0 || c.Grace < 0:
		return usageError("--wait and --grace must not be negative")
	case c.MaxLine <= 0 || c.Show < 0:
		return usageError("--max-line must be positive, --show must not be negative")
	}
	return nil
}

func (c *talkCommand) Run() error {
	if err := c.check(); err != nil {
		return err
	}
	status, err := talk.Run(talk.Config{
		Program: c.Program,
		Args:    c.Args,
		Node:    c.NodeID,
		Nodes:   c.NodeIDs,
		NoInit:  c.NoInit,
		As:      c.As,
		Wait:    c.Wait,
		Grace:   c.Grace,
		MaxLine: c.MaxLine,
		Cut:     c.Show,
		Colours: talk.UseColours(c.Color, os.Stdout),
		Times:   c.Time == "since",
		In:      os.Stdin,
		Out:     os.Stdout,
	})
	switch {
	case err != nil:
		return startError(c.Program, err)
	case status != 0:
		return statusErr{status: status}
	}
	return nil
}

// startError explains why a node program could not be started; any other error
// it leaves alone.
func startError(program string, err error) error {
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, exec.ErrDot):
		if _, here := os.Stat(program); here == nil {
			return usageError("%s is not in PATH; do you mean ./%s?", program, program)
		}
		return usageError("%s is not in PATH", program)
	case errors.Is(err, syscall.ENOEXEC):
		return usageError("%s is not a program; if it is a script, its first line must name what runs it, as in #!/usr/bin/env python3", program)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EISDIR):
		return usageError("cannot start the node: %w", err)
	}
	return err
}

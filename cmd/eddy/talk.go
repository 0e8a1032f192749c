package main

import (
	"os"
	"slices"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/talk"
)

// talkCommand is `eddy talk`.
type talkCommand struct {
	NodeID  string        `name:"node-id" default:"n1" placeholder:"NAME" help:"The id of the node."`
	NodeIDs []string      `name:"node-ids" default:"n1,n2,n3" placeholder:"NAME" help:"The ids of all nodes, for init."`
	NoInit  bool          `name:"no-init" help:"Do not send init."`
	As      string        `default:"c1" placeholder:"NAME" help:"The client that sends what is typed."`
	Wait    time.Duration `default:"5s" help:"How long a piped session waits for replies at its end (${default})."`
	Grace   time.Duration `default:"5s" help:"How long the node may take to end after its input has ended (${default})."`
	MaxLine int           `default:"16777216" placeholder:"BYTES" help:"The limit of a node's line; the rest is skipped (${default})."`
	Show    int           `default:"2000" placeholder:"BYTES" help:"The limit of what is shown of a message (${default}); 0 for none."`
	Time    string        `default:"since" enum:"since,none" help:"The time column: since the start, or none (since or none)."`
	Color   string        `default:"auto" enum:"auto,always,never" help:"Colours: auto (on a terminal, unless NO_COLOR is set), always or never."`

	programFlags
}

func (talkCommand) Help() string {
	return `The flags of talk come before the program:

  eddy talk [flags] PROGRAM [ARGS...]

Type echo hi, or read, or write x 3, or relay n2 read, or any type with name=value pairs, or JSON. Type help for more. The input may be a pipe.

The exit status is 0, or 1 if the node failed.`
}

func (c *talkCommand) check() error {
	if err := c.checkProgram(); err != nil {
		return usageError("%w; see eddy talk --help", err)
	}
	switch {
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

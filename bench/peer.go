package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Peer is a program that is measured.
type Peer struct {
	Name  string // in tables and for -peers
	About string

	// Build makes what is to be run in dir and returns the command. root is
	// the directory of this module.
	Build func(ctx context.Context, root, dir string) ([]string, error)

	Flags func(o Options) []string // the flags for what a case asks for; may be nil

	Copies  bool // copies every line, init too; it is no node
	Orders  bool // promises to answer in order and with consecutive ids
	Logs    bool // writes a line to standard error for every message
	Go      bool // is a Go program: GOGC and GODEBUG=gctrace=1 work
	Strict  bool // must exit with status 0; so for all nodes of package eddy
	command []string
	broken  error // why it could not be built
}

// Options are what a case asks of a peer.
type Options struct {
	Open   int    // the peer must allow this many open calls; zero is its default
	Errors bool   // log errors only
	Wait   bool   // a call makes one attempt and waits an hour for the reply
	GOGC   string // the environment variable; empty is the peer's default
	Trace  bool   // print a line for every garbage collection
	Log    bool   // read standard error
}

// ours returns the flags of the nodes on package eddy.
func ours(flags ...string) func(Options) []string {
	return func(o Options) []string {
		args := append([]string(nil), flags...)
		if o.Open > 0 {
			args = append(args, fmt.Sprintf("--max-open=%d", o.Open))
		}
		if o.Errors {
			args = append(args, "--log-level=error")
		}
		return append(args, waiting(o)...)
	}
}

// waiting returns the flags that all programs here have, also those on other
// libraries.
func waiting(o Options) []string {
	if o.Wait {
		return []string{"--timeout=1h", "--max-retries=1"}
	}
	return nil
}

// The names of peers that cases and bounds refer to.
const (
	official = "official" // without its log, so that no ratio measures the log
	eddy     = "eddy"
	compact  = "eddy-compact"
	blocking = "eddy-blocking"
)

// peers in the order in which they run and are printed.
var peers = []*Peer{
	{
		Name: official, About: "official Go library without its log",
		Build: goBuild("./peers/official", "-quiet"), Flags: waiting, Go: true,
	},
	{
		Name: "official-log", About: "official Go library as it is: a log line for each message, written to the null device",
		Build: goBuild("./peers/official"), Flags: waiting, Go: true, Logs: true,
	},
	{
		Name: "python", About: "Python: a thread for each request, a threading.Event for each call",
		Build: pythonNode, Flags: waiting,
	},
	{
		Name: "cat", About: "the pipe itself",
		Build: onPath("cat"), Copies: true,
	},
	{
		Name: "newlines", About: "a Go program that finds the ends of lines and copies them: the least that a node does",
		Build: goBuild("./peers/newlines"), Copies: true, Go: true,
	},
	{
		Name: eddy, About: "cmd/relay: calls by callback, a blank after every colon and comma",
		Build: goBuild("github.com/eddyrpc/eddy/cmd/relay"), Flags: ours(), Orders: true, Go: true, Strict: true,
	},
	{
		Name: compact, About: "cmd/relay --compact",
		Build: goBuild("github.com/eddyrpc/eddy/cmd/relay"), Flags: ours("--compact"), Orders: true, Go: true, Strict: true,
	},
	{
		Name: blocking, About: "a handler that blocks in RPCWithRetry",
		Build: goBuild("./peers/eddyblocking"), Flags: ours(), Go: true, Strict: true,
	},
}

func peerNamed(name string) *Peer {
	for _, p := range peers {
		if p.Name == name {
			return p
		}
	}
	panic("there is no peer " + name)
}

// goBuild compiles a program with the go command.
func goBuild(pkg string, flags ...string) func(context.Context, string, string) ([]string, error) {
	return func(ctx context.Context, root, dir string) ([]string, error) {
		bin := filepath.Join(dir, filepath.Base(pkg))
		if runtime.GOOS == "windows" {
			bin += ".exe"
		}
		cmd := exec.CommandContext(ctx, "go", "build", "-o", bin, pkg)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building %s: %w\n%s", pkg, err, out)
		}
		return append([]string{bin}, flags...), nil
	}
}

// errAbsent means that this machine lacks the program that a peer needs.
var errAbsent = errors.New("not on this machine")

func onPath(program string, args ...string) func(context.Context, string, string) ([]string, error) {
	return func(context.Context, string, string) ([]string, error) {
		path, err := exec.LookPath(program)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", program, errAbsent)
		}
		return append([]string{path}, args...), nil
	}
}

func pythonNode(ctx context.Context, root, dir string) ([]string, error) {
	return onPath("python3", filepath.Join(root, "peers", "python", "node.py"))(ctx, root, dir)
}

// Start runs the peer up to its init_ok.
func (p *Peer) Start(o Options, l Launch) (*Process, error) {
	l.Command = p.command
	if p.Flags != nil {
		l.Command = append(append([]string(nil), p.command...), p.Flags(o)...)
	}
	if p.Go && o.GOGC != "" {
		l.Env = append(l.Env, "GOGC="+o.GOGC)
	}
	if p.Go && o.Trace {
		l.Env = append(l.Env, "GODEBUG=gctrace=1")
	}
	// Also read the log of a peer that logs little, to explain why it ended.
	l.Log = o.Log || !p.Logs
	proc, err := start(l)
	if err != nil {
		return nil, err
	}
	proc.lenient = !p.Strict
	if p.Copies {
		return proc, nil
	}
	if err := proc.Init(); err != nil {
		proc.Kill()
		return nil, err
	}
	return proc, nil
}

// build builds the peers. One that cannot be built is left out of the cases. That is an
// error unless this machine lacks the language.
func build(ctx context.Context, root, dir string, use []*Peer) error {
	var failed []error
	for _, p := range use {
		p.command, p.broken = p.Build(ctx, root, dir)
		if p.broken == nil {
			continue
		}
		fmt.Fprintf(os.Stderr, "left out: %s: %v\n", p.Name, p.broken)
		if !errors.Is(p.broken, errAbsent) {
			failed = append(failed, fmt.Errorf("%s: %w", p.Name, p.broken))
		}
	}
	return errors.Join(failed...)
}

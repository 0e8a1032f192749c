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

	Flags func(o Options) []string // what a case asks for, in the peer's words; may be nil

	Copies  bool // hands every line through, init too: no node
	Orders  bool // promises to answer in order and with consecutive ids
	Logs    bool // writes a line to standard error for every message
	Go      bool // understands GOGC and GODEBUG=gctrace=1
	Strict  bool // ours: must end well too
	command []string
	broken  error // why it couldn't be built
}

// Options is what a case may ask of a peer.
type Options struct {
	Open   int    // as many calls must be possible at once; zero: as many as the peer likes
	Errors bool   // log errors only
	Wait   bool   // calls make one attempt and wait an hour for its reply
	GOGC   string // Go's garbage collector's setting; empty leaves the peer's own
	Trace  bool   // print a line for every garbage collection
	Log    bool   // read standard error
}

// ours turns options into the flags of our own nodes.
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

// waiting turns options into the flags that all our programs have, those on
// other libraries too.
func waiting(o Options) []string {
	if o.Wait {
		return []string{"--timeout=1h", "--max-retries=1"}
	}
	return nil
}

// The names of peers that cases and bounds refer to.
const (
	official = "official" // silenced, so that a ratio never measures a log
	eddy     = "eddy"
	compact  = "eddy-compact"
	blocking = "eddy-blocking"
)

// peers in the order in which they run and are printed.
var peers = []*Peer{
	{
		Name: official, About: "official Go library, its log silenced",
		Build: goBuild("./peers/official", "-quiet"), Flags: waiting, Go: true,
	},
	{
		Name: "official-log", About: "official Go library as it comes, a log line per message to the null device",
		Build: goBuild("./peers/official"), Flags: waiting, Go: true, Logs: true,
	},
	{
		Name: "python", About: "Python, threads and threading.Event",
		Build: pythonNode, Flags: waiting,
	},
	{
		Name: "cat", About: "the pipe itself",
		Build: onPath("cat"), Copies: true,
	},
	{
		Name: "newlines", About: "a Go program that finds the ends of lines and copies them: the speed of light",
		Build: goBuild("./peers/newlines"), Copies: true, Go: true,
	},
	{
		Name: eddy, About: "cmd/relay, by callback, a blank after every colon and comma",
		Build: goBuild("github.com/eddyrpc/eddy/cmd/relay"), Flags: ours(), Orders: true, Go: true, Strict: true,
	},
	{
		Name: compact, About: "cmd/relay --compact",
		Build: goBuild("github.com/eddyrpc/eddy/cmd/relay"), Flags: ours("--compact"), Orders: true, Go: true, Strict: true,
	},
	{
		Name: blocking, About: "a handler that blocks in RPCWithRetry, as on the root package's front page",
		Build: goBuild("./peers/eddyblocking"), Flags: ours(), Orders: true, Go: true, Strict: true,
	},
}

func peerNamed(name string) *Peer {
	for _, p := range peers {
		if p.Name == name {
			return p
		}
	}
	panic("no peer is called " + name)
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

// errAbsent is the reason why a peer that this machine lacks is left out.
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
	// A peer that hardly logs is read too: its last words explain its death.
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

// build makes every peer in use; one that can't be made is left out of its
// cases, and is an error unless this machine merely lacks its language.
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

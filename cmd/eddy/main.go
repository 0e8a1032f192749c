// Eddy is the workbench for node programs: it tests them, shows what happened, plans
// retry policies, and runs nodes over NATS.
//
// Each command has a file of its own, with a struct of its flags that has a method Run,
// and a field in cli.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/retry"
)

// Exit statuses other than 0. Smaller ones say what a command has found out about the
// nodes.
const (
	statusUsage = 254 // bad arguments, as in Maelstrom
	statusError = 255 // eddy itself failed
)

// cli is the command line.
type cli struct {
	Version versionFlag `help:"Show the version and exit."`

	Test   testCommand   `cmd:"" help:"Test nodes on a simulated network, or over NATS."`
	Hunt   huntCommand   `cmd:"" help:"Test nodes with many seeds, and find the smallest case that fails."`
	Rerun  rerunCommand  `cmd:"" help:"Run a stored test again."`
	Report reportCommand `cmd:"" help:"Write the report of a stored test again, or compare two tests."`
	Serve  serveCommand  `cmd:"" help:"Show stored and running tests in a browser."`
	Store  storeCommand  `cmd:"" help:"List stored tests, or remove some."`
	Demo   demoCommand   `cmd:"" help:"Test the examples of a clone of this repository, under faults."`
	Plan   planCommand   `cmd:"" help:"Simulate what retry policies do."`
	Talk   talkCommand   `cmd:"" help:"Talk to a node: type short messages and see what it writes."`
	Up     upCommand     `cmd:"" help:"Run a cluster of nodes on this machine, over a NATS server of its own."`
	Join   joinCommand   `cmd:"" help:"Run a node as a member of a cluster on many machines, over NATS."`
	Call   callCommand   `cmd:"" help:"Call a node of a cluster that runs over NATS."`

	HelpOn      helpCommand    `cmd:"" name:"help" help:"Show what a command does, and its flags."`
	ShowVersion versionCommand `cmd:"" name:"version" help:"Show the version."`

	Services servicesCommand `cmd:"" help:"Serve lin-kv, seq-kv, lww-kv and lin-tso to nodes over NATS."`

	NATSServer natsServerCommand `cmd:"" name:"nats-server" hidden:"" help:"Run a NATS server until standard input ends."`
	NATSConfig natsConfigCommand `cmd:"" name:"nats-config" help:"Write configurations of NATS servers for a cluster."`
}

// A statusErr sets the exit status. If it has a text, the text is printed.
type statusErr struct {
	status int
	err    error
}

func (e statusErr) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e statusErr) Unwrap() error { return e.err }

// usageError returns an error in the arguments.
func usageError(format string, args ...any) error {
	return statusErr{statusUsage, fmt.Errorf(format, args...)}
}

func main() { os.Exit(run(os.Args[1:])) }

// newParser returns a parser of command lines.
func newParser(line *cli) *kong.Kong {
	parser, err := kong.New(line, append(valueOptions(),
		kong.Name("eddy"),
		kong.Description("A workbench for programs that use Maelstrom's protocol: one JSON message per line."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.ExplicitGroups(testGroups),
		kong.Vars{"latest": latestTest, "workloads": workloadNames(), "rates": defaultRates(), "concurrencies": defaultConcurrencies(), "nemeses": sim.KindNames(), "presets": strings.Join(retry.Presets(), ", ")},
	)...)
	if err != nil {
		panic(err) // a struct tag is wrong
	}
	return parser
}

// run runs one command line and returns the exit status. A panic is a failure of eddy.
// Without this it would have the status that says that a test could not decide.
func run(args []string) (status int) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(os.Stderr, "eddy: eddy itself failed: %v\n%s", p, debug.Stack())
			status = statusError
		}
	}()
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := newParser(&cli{}).Parse(args)
	if err != nil {
		about, wrong := explain(args, err)
		fmt.Fprintf(os.Stderr, "eddy: %v; see %s --help\n", wrong, about)
		return statusUsage
	}
	if err = ctx.Run(); err != nil {
		return exitStatus(err, os.Stderr)
	}
	return 0
}

// exitStatus prints an error and returns the exit status.
func exitStatus(err error, stderr io.Writer) int {
	status := statusErr{status: statusError, err: err}
	errors.As(err, &status)
	if status.err != nil {
		fmt.Fprintln(stderr, "eddy:", quote.Lines(status.err.Error()))
	}
	return status.status
}

// A versionFlag prints the version and ends the program.
type versionFlag bool

func (versionFlag) BeforeReset(app *kong.Kong) error {
	fmt.Fprintln(app.Stdout, "eddy", version())
	app.Exit(0)
	return nil
}

// version returns the version of the module, or the commit, and that of Go.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	parts := []string{info.Main.Version}
	if info.Main.Version == "" {
		parts[0] = "(devel)"
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && !strings.Contains(parts[0], s.Value[:min(12, len(s.Value))]):
			parts = append(parts, s.Value)
		case s.Key == "vcs.modified" && s.Value == "true" && !strings.Contains(parts[0], "dirty"):
			parts = append(parts, "modified")
		}
	}
	return strings.Join(append(parts, info.GoVersion), " ")
}

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/eddyrpc/eddy"
)

// options are what the command line sets.
type options struct {
	policy    *eddy.Policy
	eof       string
	drain     duration
	compact   bool
	maxLine   size
	maxOpen   int
	logLevel  level
	logFormat string
	version   bool
}

const (
	maxTimeout  = time.Hour
	maxAttempts = 1000
)

// parse reads the arguments. What it rejects it has already told on out.
func parse(args []string, out io.Writer) (*options, error) {
	o := &options{drain: duration(30 * time.Second), maxLine: 16 << 20}
	var said policyFlags
	said.timeout = duration(500 * time.Millisecond)
	f := flag.NewFlagSet("relay", flag.ContinueOnError)
	f.SetOutput(io.Discard) // or every mistake would print all flags
	f.StringVar(&said.policy, "policy", "default", "what the three flags below don't say: a `file`, or default|patient|hedged|budgeted")
	f.Var(&said.timeout, "timeout", "how long each attempt waits for its reply: a `duration` from 1ms to 1h")
	f.IntVar(&said.attempts, "max-retries", 3, "attempts in all, the first included: a `number` from 1 to 1000")
	f.TextVar(&said.late, "late", said.late, "a reply that comes after its attempt's timeout: `accept|ignore`")
	f.StringVar(&o.eof, "eof", "drain", "at the end of input: `drain|stop`, that is answer what is open, or end at once")
	f.Var(&o.drain, "drain", "how long draining may take: a `duration` over 0s")
	f.BoolVar(&o.compact, "compact", false, "write no blank after ':' and ','")
	f.Var(&o.maxLine, "max-line", "longest line that is read: a `size` from 1KiB to 1GiB")
	f.IntVar(&o.maxOpen, "max-open", 100_000, "calls, and apart from them requests, that may be open: a `number`, at least 1")
	f.Var(&o.logLevel, "log-level", "least level that is logged: `debug|info|warn|error`")
	f.StringVar(&o.logFormat, "log-format", "text", "how it is logged: `text|json`")
	f.BoolVar(&o.version, "version", false, "print the version and end")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		help(out, f)
		return nil, err
	case err != nil:
		return nil, tell(out, "%s", strings.Replace(err.Error(), " -", " --", 1))
	}
	if f.NArg() > 0 {
		return nil, tell(out, "takes no arguments, got %q", f.Arg(0))
	}
	if err := said.check(); err != nil {
		return nil, tell(out, "%w", err)
	}
	policy, err := said.over(f)
	if err != nil {
		return nil, tell(out, "%w", err)
	}
	o.policy = policy
	return o, o.check(out)
}

// check rejects values out of range.
func (o *options) check(out io.Writer) error {
	switch {
	case o.eof != "drain" && o.eof != "stop":
		return tell(out, "--eof %s: must be drain or stop", o.eof)
	case o.drain <= 0:
		return tell(out, "--drain %v: must be over 0s", &o.drain)
	case o.maxLine < 1<<10 || o.maxLine > 1<<30:
		return tell(out, "--max-line %v: must be from 1KiB to 1GiB", &o.maxLine)
	case o.maxOpen < 1:
		return tell(out, "--max-open %d: must be at least 1", o.maxOpen)
	case o.logFormat != "text" && o.logFormat != "json":
		return tell(out, "--log-format %s: must be text or json", o.logFormat)
	}
	return nil
}

func help(out io.Writer, f *flag.FlagSet) {
	fmt.Fprint(out, "Usage: relay [flags] <messages >messages\n"+
		"A node that answers init and echo, and relays calls to other nodes with retries.\n"+
		"It reads one JSON message a line and writes one a line.\n\n")
	f.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		name := strings.TrimSpace("--" + f.Name + " " + value)
		fmt.Fprintf(out, "  %s\n        %s (default %s)\n", name, usage, f.DefValue)
	})
}

func tell(out io.Writer, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	fmt.Fprintf(out, "relay: %v (relay --help lists the flags)\n", err)
	return err
}

// logger is the log that the options ask for.
func (o *options) logger(to io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: slog.Level(o.logLevel)}
	if o.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(to, opts))
	}
	return slog.New(slog.NewTextHandler(to, opts))
}

// A duration is a time.Duration whose error names an example.
type duration time.Duration

func (d *duration) String() string { return time.Duration(*d).String() }

func (d *duration) Set(text string) error {
	v, err := time.ParseDuration(text)
	if err != nil {
		return errors.New("not a duration with its unit, such as 500ms or 2s")
	}
	*d = duration(v)
	return nil
}

// A level is a slog.Level in lower case.
type level slog.Level

func (l *level) String() string { return strings.ToLower(slog.Level(*l).String()) }

func (l *level) Set(text string) error {
	if (*slog.Level)(l).UnmarshalText([]byte(text)) != nil {
		return errors.New("not one of debug, info, warn, error")
	}
	return nil
}

// A size is a number of bytes, with a unit if it divides.
type size int

func (s *size) String() string {
	switch {
	case *s > 0 && *s%(1<<30) == 0:
		return strconv.Itoa(int(*s)>>30) + "GiB"
	case *s > 0 && *s%(1<<20) == 0:
		return strconv.Itoa(int(*s)>>20) + "MiB"
	case *s > 0 && *s%(1<<10) == 0:
		return strconv.Itoa(int(*s)>>10) + "KiB"
	}
	return strconv.Itoa(int(*s))
}

func (s *size) Set(text string) error {
	number, unit := text, 1
	for suffix, bytes := range map[string]int{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if cut, ok := strings.CutSuffix(text, suffix); ok {
			number, unit = cut, bytes
		}
	}
	n, err := strconv.ParseUint(number, 10, 31)
	if err != nil || int(n) > (1<<31-1)/unit {
		return errors.New("not a number of bytes, such as 65536, 64KiB or 16MiB")
	}
	*s = size(int(n) * unit)
	return nil
}

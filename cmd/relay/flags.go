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

// parse parses the arguments. It writes an error to out before it returns it.
func parse(args []string, out io.Writer) (*options, error) {
	o := &options{drain: duration(30 * time.Second), maxLine: 16 << 20}
	var flags policyFlags
	flags.timeout = duration(500 * time.Millisecond)
	f := flag.NewFlagSet("relay", flag.ContinueOnError)
	f.SetOutput(io.Discard) // otherwise Parse would print all flags after an error
	f.StringVar(&flags.policy, "policy", "default", "the policy of calls, except what --timeout, --max-retries and --late set: a `file`, or default|patient|hedged|budgeted")
	f.Var(&flags.timeout, "timeout", "timeout of each attempt: a `duration` from 1ms to 1h")
	f.IntVar(&flags.attempts, "max-retries", 3, "attempts of a call in all, the first included: a `number` from 1 to 1000")
	f.TextVar(&flags.late, "late", flags.late, "whether a reply counts that comes after the timeout of its attempt: `accept|ignore`")
	f.StringVar(&o.eof, "eof", "drain", "what to do at the end of the input: `drain|stop`, that is, first reply to all open requests, or end at once")
	f.Var(&o.drain, "drain", "longest time that draining may take: a `duration` over 0s")
	f.BoolVar(&o.compact, "compact", false, "write no blank after ':' and ','")
	f.Var(&o.maxLine, "max-line", "length of the longest line that is read: a `size` from 1KiB to 1GiB")
	f.IntVar(&o.maxOpen, "max-open", 100_000, "largest number of open calls, and also of open requests: a `number`, at least 1")
	f.Var(&o.logLevel, "log-level", "lowest level that is logged: `debug|info|warn|error`")
	f.StringVar(&o.logFormat, "log-format", "text", "format of the log: `text|json`")
	f.BoolVar(&o.version, "version", false, "print the version and exit")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		help(out, f)
		return nil, err
	case err != nil:
		return nil, fail(out, "%s", strings.Replace(err.Error(), " -", " --", 1))
	}
	if f.NArg() > 0 {
		return nil, fail(out, "takes no arguments, got %q", f.Arg(0))
	}
	if err := flags.check(); err != nil {
		return nil, fail(out, "%w", err)
	}
	policy, err := flags.over(f)
	if err != nil {
		return nil, fail(out, "%w", err)
	}
	o.policy = policy
	return o, o.check(out)
}

// check returns an error if a value is out of range.
func (o *options) check(out io.Writer) error {
	switch {
	case o.eof != "drain" && o.eof != "stop":
		return fail(out, "--eof %s: must be drain or stop", o.eof)
	case o.drain <= 0:
		return fail(out, "--drain %v: must be over 0s", &o.drain)
	case o.maxLine < 1<<10 || o.maxLine > 1<<30:
		return fail(out, "--max-line %v: must be from 1KiB to 1GiB", &o.maxLine)
	case o.maxOpen < 1:
		return fail(out, "--max-open %d: must be at least 1", o.maxOpen)
	case o.logFormat != "text" && o.logFormat != "json":
		return fail(out, "--log-format %s: must be text or json", o.logFormat)
	}
	return nil
}

func help(out io.Writer, f *flag.FlagSet) {
	fmt.Fprint(out, "Usage: relay [flags] <messages >messages\n"+
		"A node that replies to init, echo and relay. For a relay it calls another node, with\n"+
		"retries. It reads one JSON message per line and writes one per line.\n\n")
	f.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		name := strings.TrimSpace("--" + f.Name + " " + value)
		fmt.Fprintf(out, "  %s\n        %s (default %s)\n", name, usage, f.DefValue)
	})
}

func fail(out io.Writer, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	fmt.Fprintf(out, "relay: %v (relay --help lists the flags)\n", err)
	return err
}

// logger returns the log as the options say.
func (o *options) logger(to io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: slog.Level(o.logLevel)}
	if o.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(to, opts))
	}
	return slog.New(slog.NewTextHandler(to, opts))
}

// A duration is a flag for a time.Duration. Its error gives an example.
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

// A level is a flag for a slog.Level in lower case.
type level slog.Level

func (l *level) String() string { return strings.ToLower(slog.Level(*l).String()) }

func (l *level) Set(text string) error {
	if (*slog.Level)(l).UnmarshalText([]byte(text)) != nil {
		return errors.New("not one of debug, info, warn, error")
	}
	return nil
}

// A size is a flag for a number of bytes, with or without a unit.
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

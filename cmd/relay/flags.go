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
	policy    eddy.Policy
	eof       string
	drain     time.Duration
	compact   bool
	maxLine   size
	maxOpen   int
	logLevel  slog.Level
	logFormat string
	version   bool
}

const (
	maxTimeout  = time.Hour
	maxAttempts = 1000
)

// parse reads the arguments. What it rejects it has already told on out.
func parse(args []string, out io.Writer) (*options, error) {
	o := &options{maxLine: 16 << 20}
	f := flag.NewFlagSet("relay", flag.ContinueOnError)
	f.SetOutput(out)
	f.Usage = func() {
		fmt.Fprintln(out, "Usage: relay [flags] <messages >messages")
		fmt.Fprintln(out, "A node that answers init and echo, and relays calls to other nodes with retries.")
		fmt.Fprintln(out, "It reads one JSON message a line and writes one a line.")
		fmt.Fprintln(out)
		f.PrintDefaults()
	}
	f.DurationVar(&o.policy.Timeout, "timeout", 500*time.Millisecond, "how long each attempt waits for its reply, 1ms to 1h")
	f.IntVar(&o.policy.Attempts, "max-retries", 3, "attempts in all, the first included, 1 to 1000")
	f.TextVar(&o.policy.Late, "late", o.policy.Late, "a reply that comes after its attempt's timeout: accept or ignore")
	f.StringVar(&o.eof, "eof", "drain", "at the end of input: drain (answer what is open) or stop (at once)")
	f.DurationVar(&o.drain, "drain", 30*time.Second, "how long draining may take, over 0s")
	f.BoolVar(&o.compact, "compact", false, "write no blank after ':' and ',' (default false)")
	f.Var(&o.maxLine, "max-line", "longest line that is read, in bytes, or with KiB or MiB behind it, 1KiB to 1024MiB")
	f.IntVar(&o.maxOpen, "max-open", 100_000, "calls, and apart from them requests, that may be open, at least 1")
	f.TextVar(&o.logLevel, "log-level", slog.LevelInfo, "least level that is logged: debug, info, warn or error")
	f.StringVar(&o.logFormat, "log-format", "text", "how it is logged: text or json")
	f.BoolVar(&o.version, "version", false, "print the version and end (default false)")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, tell(out, "takes no arguments, got %q", f.Arg(0))
	}
	return o, o.check(out)
}

// check rejects values out of range.
func (o *options) check(out io.Writer) error {
	switch {
	case o.policy.Timeout < time.Millisecond || o.policy.Timeout > maxTimeout:
		return tell(out, "--timeout %v: must be from 1ms to 1h", o.policy.Timeout)
	case o.policy.Attempts < 1 || o.policy.Attempts > maxAttempts:
		return tell(out, "--max-retries %d: must be from 1 to 1000", o.policy.Attempts)
	case o.eof != "drain" && o.eof != "stop":
		return tell(out, "--eof %s: must be drain or stop", o.eof)
	case o.drain <= 0:
		return tell(out, "--drain %v: must be over 0s", o.drain)
	case o.maxLine < 1<<10 || o.maxLine > 1<<30:
		return tell(out, "--max-line %v: must be from 1KiB to 1024MiB", &o.maxLine)
	case o.maxOpen < 1:
		return tell(out, "--max-open %d: must be at least 1", o.maxOpen)
	case o.logFormat != "text" && o.logFormat != "json":
		return tell(out, "--log-format %s: must be text or json", o.logFormat)
	}
	return nil
}

func tell(out io.Writer, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	fmt.Fprintf(out, "relay: %v (relay --help lists the flags)\n", err)
	return err
}

// logger is the log that the options ask for.
func (o *options) logger(to io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: o.logLevel}
	if o.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(to, opts))
	}
	return slog.New(slog.NewTextHandler(to, opts))
}

// A size is a number of bytes, with a unit if it divides.
type size int

func (s *size) String() string {
	switch {
	case *s > 0 && *s%(1<<20) == 0:
		return strconv.Itoa(int(*s)>>20) + "MiB"
	case *s > 0 && *s%(1<<10) == 0:
		return strconv.Itoa(int(*s)>>10) + "KiB"
	}
	return strconv.Itoa(int(*s))
}

func (s *size) Set(text string) error {
	number, unit := text, 1
	for suffix, bytes := range map[string]int{"KiB": 1 << 10, "MiB": 1 << 20} {
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

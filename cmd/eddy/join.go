package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/join"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/lease"
	"github.com/eddyrpc/eddy/metrics"
	"github.com/eddyrpc/eddy/natsnet"
)

// natsFlags are the flags of all commands that connect to NATS servers.
type natsFlags struct {
	NATS    string `name:"nats" env:"NATS_URL" default:"nats://127.0.0.1:4222" placeholder:"URLS" help:"The URLs of the NATS servers, separated by commas (${default})."`
	Cluster string `default:"eddy" placeholder:"NAME" help:"The name of the cluster. Several clusters can use the same servers (${default})."`
	securityFlags
}

// securityFlags name files, since every user of a machine can read its command lines.
type securityFlags struct {
	Creds     string `placeholder:"FILE" help:"A file with credentials: a JWT and a seed, as nsc writes them."`
	NKey      string `name:"nkey" placeholder:"FILE" help:"A file with the seed of an NKey."`
	TokenFile string `placeholder:"FILE" help:"A file with a token."`
	TLSCA     string `name:"tls-ca" placeholder:"FILE" help:"A file with certificates, one of which must have signed the server's."`
	TLSCert   string `name:"tls-cert" placeholder:"FILE" help:"A file with the client's certificate, for mutual TLS."`
	TLSKey    string `name:"tls-key" placeholder:"FILE" help:"A file with the key of --tls-cert."`
}

// config returns the configuration of a node's connection. A URL with a secret is
// refused: every user can read command lines, and URLs are printed.
func (f *natsFlags) config(node string) (natsnet.Config, error) {
	for server := range strings.SplitSeq(f.NATS, ",") {
		if strings.Contains(server, "@") {
			return natsnet.Config{}, usageError("--nats: a URL must not hold a secret; use --token-file, --nkey or --creds")
		}
	}
	return natsnet.Config{
		Servers: f.NATS, Cluster: f.Cluster, Node: node,
		Security: natsnet.Security{
			Creds: f.Creds, NKey: f.NKey, Token: f.TokenFile, CA: f.TLSCA, Cert: f.TLSCert, Key: f.TLSKey,
		},
	}, nil
}

// memberFlags are the flags of commands that run node programs.
type memberFlags struct {
	Restarts int           `default:"10" help:"Restart a node that has died, at most this many times in a row (${default})."`
	Grace    time.Duration `default:"35s" help:"How long a node may run on after it was told to end, and its last messages may wait for a server (${default})."`
	FailFast bool          `help:"Let a request to a node that nobody has joined as fail at once, with error 1, instead of being lost."`

	programFlags
}

// programFlags name a node program and its arguments: PROGRAM ARGS, -- PROGRAM ARGS, or
// --bin PROGRAM -- ARGS as in eddy test.
type programFlags struct {
	Bin     string   `placeholder:"PROGRAM" help:"The node program; its arguments then follow --, as in eddy test."`
	Program string   `arg:"" optional:"" passthrough:"" help:"The node program, in any language, unless --bin names it."`
	Args    []string `arg:"" optional:"" help:"The arguments of the program."`
}

// checkProgram sets Program and Args.
func (f *programFlags) checkProgram() error {
	all := f.Args
	if f.Program != "" {
		all = append([]string{f.Program}, f.Args...)
	}
	separated := len(all) > 0 && all[0] == "--" // kong does not remove it
	switch {
	case separated:
		all = all[1:]
	case f.Bin != "" && len(all) > 0:
		return usageError("unexpected argument %s; after --bin, arguments of the node program must follow --", all[0])
	case len(all) > 0 && strings.HasPrefix(all[0], "-"):
		return usageError("unknown flag %s", all[0]) // kong takes it for the program
	}
	if f.Bin != "" {
		all = append([]string{f.Bin}, all...)
	}
	if len(all) == 0 {
		return usageError("a node program is missing")
	}
	f.Program, f.Args = all[0], all[1:]
	return nil
}

func (f *memberFlags) check() error {
	if f.Restarts < 0 || f.Grace < 0 {
		return usageError("--restarts and --grace must not be negative")
	}
	return f.checkProgram()
}

func (f *memberFlags) config(net natsnet.Config, log *slog.Logger, stderr io.Writer) join.Config {
	net.FailFast = f.FailFast
	return join.Config{
		Net: net, Program: f.Program, Args: f.Args, Restarts: f.Restarts, Grace: f.Grace,
		Stderr: stderr, Log: log.With("node", net.Node),
	}
}

// joinCommand is `eddy join`.
type joinCommand struct {
	natsFlags
	NodeID  string   `name:"node-id" required:"" placeholder:"NAME" help:"The name of the node."`
	NodeIDs []string `name:"node-ids" required:"" placeholder:"NAME" help:"The names of all nodes, separated by commas."`
	Metrics string   `placeholder:"ADDR" help:"Serve /metrics and /healthz at this address, such as 127.0.0.1:9464."`
	memberFlags
}

func (joinCommand) Help() string {
	return `Flags of join must precede the program: eddy join [flags] -- PROGRAM [ARGS...]

It starts the program, tells it its name, and carries the messages of its standard input and output over NATS. If the program dies, it is restarted, after 100 ms at first and after up to 5 s later. On SIGTERM or Ctrl-C the program is told to end by SIGTERM, and its last messages are still carried.

If another process has joined under the same name, this one waits as a standby, and takes over when the other one ends. That needs JetStream.

The exit status is 0 after the end by a signal, and 1 if the program has died too often, or if a standby has taken over because this process was cut off.`
}

func (c *joinCommand) Run() error {
	if err := c.check(); err != nil {
		return err
	}
	if !slices.Contains(c.NodeIDs, c.NodeID) {
		return usageError("--node-id %s is not among --node-ids %s", c.NodeID, strings.Join(c.NodeIDs, ","))
	}
	to, err := c.natsFlags.config(c.NodeID)
	if err != nil {
		return err
	}
	ctx, stop := untilSignal()
	defer stop()
	to.Nodes = c.NodeIDs
	log := textLog(os.Stderr)
	held := lease.Config{Net: to, Name: c.NodeID, Replicas: 3, Log: log.With("node", c.NodeID)}
	held.Net.Nodes = nil
	err = lease.Hold(ctx, held, func(ctx context.Context) error { return c.serve(ctx, to, log) })
	if errors.Is(err, lease.ErrTaken) {
		return statusErr{1, err}
	}
	return err
}

// serve runs the node until ctx ends.
func (c *joinCommand) serve(ctx context.Context, to natsnet.Config, log *slog.Logger) error {
	roundTrips := metrics.NewRoundTrips(c.NodeID)
	to.Observe = roundTrips.Observe
	m, err := join.New(c.memberFlags.config(to, log, os.Stderr))
	if err != nil {
		return usageError("%w", err)
	}
	if c.Metrics != "" {
		if err := listenForMetrics(c.Metrics, served{m, m.Net(), roundTrips}); err != nil {
			return err
		}
	}
	if err := m.Run(ctx); err != nil {
		return statusErr{1, startError(c.Program, err)}
	}
	return nil
}

// A served is a member whose metrics are served.
type served struct {
	member     interface{ Health() error }
	transport  metrics.Transport
	roundTrips *metrics.RoundTrips
}

// listenForMetrics serves the metrics of members until the process ends.
func listenForMetrics(address string, all ...served) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return usageError("--metrics: %w", err)
	}
	server := newHTTPServer(metricsHandler(all...))
	go func() { slog.Error("metrics are no longer served", "error", server.Serve(l)) }()
	return nil
}

// metricsHandler serves /metrics, and /healthz: 200, or 503 and the reason.
func metricsHandler(all ...served) http.Handler {
	registry := prometheus.NewRegistry()
	var transports []metrics.Transport
	for _, s := range all {
		transports = append(transports, s.transport)
		registry.MustRegister(s.roundTrips)
	}
	registry.MustRegister(metrics.NewTransport(transports...))
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		for _, s := range all {
			err := s.member.Health()
			if !s.transport.Connected() {
				err = errors.New("no NATS server is connected")
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
		}
		io.WriteString(w, "ok\n")
	})
	return mux
}

// textLog returns a log in lines of text.
func textLog(to io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(to, nil)) }

// nodeNames returns the names n1, n2 and so on.
func nodeNames(count int) (names []string) {
	for i := range count {
		names = append(names, fmt.Sprint("n", i+1))
	}
	return names
}

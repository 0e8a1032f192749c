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
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/join"
	"github.com/eddyrpc/eddy/metrics"
	"github.com/eddyrpc/eddy/natsnet"
)

// natsFlags say where the servers are, and how they are trusted.
type natsFlags struct {
	NATS    string `name:"nats" env:"NATS_URL" default:"nats://127.0.0.1:4222" placeholder:"URLS" help:"The NATS servers, with commas between (${default})."`
	Cluster string `default:"eddy" help:"Keeps clusters on the same servers apart (${default})."`
	securityFlags
}

// securityFlags name files, since a command line is for all to see.
type securityFlags struct {
	Creds     string `placeholder:"FILE" help:"Credentials: a JWT and a seed, as nsc writes them."`
	NKey      string `name:"nkey" placeholder:"FILE" help:"The seed of an NKey."`
	TokenFile string `placeholder:"FILE" help:"A token."`
	TLSCA     string `name:"tls-ca" placeholder:"FILE" help:"The certificates that a server's must be signed by."`
	TLSCert   string `name:"tls-cert" placeholder:"FILE" help:"Our certificate."`
	TLSKey    string `name:"tls-key" placeholder:"FILE" help:"Its key."`
}

// config is how a node joins. A URL with a secret in it is refused: a command line is
// for all to see, and URLs are printed.
func (f *natsFlags) config(node string) (natsnet.Config, error) {
	for server := range strings.SplitSeq(f.NATS, ",") {
		if strings.Contains(server, "@") {
			return natsnet.Config{}, usageError("--nats: a URL must not hold a secret; name a file that does: --token-file, --nkey, --creds")
		}
	}
	return natsnet.Config{
		Servers: f.NATS, Cluster: f.Cluster, Node: node,
		Security: natsnet.Security{
			Creds: f.Creds, NKey: f.NKey, Token: f.TokenFile, CA: f.TLSCA, Cert: f.TLSCert, Key: f.TLSKey,
		},
	}, nil
}

// memberFlags say how a node program is kept alive.
type memberFlags struct {
	Restarts int           `default:"10" help:"Start a node that died again, so often in a row (${default}); 0 never."`
	Grace    time.Duration `default:"35s" help:"Give a node this long to end by itself once it is told to (${default})."`

	Program string   `arg:"" passthrough:"" help:"The node program, in any language; what follows are its own arguments."`
	Args    []string `arg:"" optional:"" help:"The program's arguments."`
}

func (f *memberFlags) check() error {
	switch {
	case strings.HasPrefix(f.Program, "-") && f.Program != "--":
		return usageError("unknown flag %s", f.Program)
	case f.Restarts < 0 || f.Grace < 0:
		return usageError("--restarts and --grace must not be negative")
	}
	if f.Program == "--" { // kong leaves it there
		if len(f.Args) == 0 {
			return usageError("a node program is missing")
		}
		f.Program, f.Args = f.Args[0], f.Args[1:]
	}
	return nil
}

func (f *memberFlags) config(net natsnet.Config, log *slog.Logger, stderr io.Writer) join.Config {
	return join.Config{
		Net: net, Program: f.Program, Args: f.Args, Restarts: f.Restarts, Grace: f.Grace,
		Stderr: stderr, Log: log.With("node", net.Node),
	}
}

// joinCommand is `eddy join`.
type joinCommand struct {
	natsFlags
	NodeID  string   `name:"node-id" required:"" help:"The node's id."`
	NodeIDs []string `name:"node-ids" required:"" help:"All nodes' ids, with commas between."`
	Metrics string   `placeholder:"ADDR" help:"Serve /metrics and /healthz there, such as 127.0.0.1:9464."`
	memberFlags
}

func (joinCommand) Help() string {
	return `Flags of join come before the program: eddy join [flags] -- PROGRAM [ARGS...]

It starts the program on its standard input and output, tells it its name, and carries its messages over NATS. A program that dies is started again, after 100 ms at first and then ever later. On SIGTERM or Ctrl-C the program is told to end, and its last messages are still carried.

The exit status is 0 after that, and 1 if the program has died too often.`
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	to.Nodes = c.NodeIDs
	roundTrips := metrics.NewRoundTrips(c.NodeID)
	to.Observe = roundTrips.Observe
	m, err := join.New(c.memberFlags.config(to, textLog(os.Stderr), os.Stderr))
	if err != nil {
		return usageError("%w", err)
	}
	if c.Metrics != "" {
		if err := c.serveMetrics(m, roundTrips); err != nil {
			return err
		}
	}
	if err := m.Run(ctx); err != nil {
		return statusErr{1, startError(c.Program, err)}
	}
	return nil
}

// serveMetrics serves the member's metrics until the process ends.
func (c *joinCommand) serveMetrics(m *join.Member, roundTrips *metrics.RoundTrips) error {
	l, err := net.Listen("tcp", c.Metrics)
	if err != nil {
		return usageError("--metrics: %w", err)
	}
	server := newHTTPServer(metricsHandler(m, m.Net(), roundTrips))
	go func() { slog.Error("metrics are no longer served", "error", server.Serve(l)) }()
	return nil
}

// metricsHandler serves /metrics, and /healthz: 200, or 503 and the reason.
func metricsHandler(m interface{ Health() error }, t metrics.Transport, roundTrips *metrics.RoundTrips) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.NewTransport(t), roundTrips)
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		err := m.Health()
		if !t.Connected() {
			err = errors.New("no NATS server is connected")
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "ok\n")
	})
	return mux
}

// textLog is a log for people.
func textLog(to io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(to, nil)) }

// names are n1, n2 and so on.
func nodeNames(count int) (names []string) {
	for i := range count {
		names = append(names, fmt.Sprint("n", i+1))
	}
	return names
}

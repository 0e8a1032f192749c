// Package natsnet carries the messages of a node over NATS, so that nodes on many
// machines form one cluster. A node needs no changed line for it:
//
//	net, err := natsnet.Dial(natsnet.Config{Node: "n2", Nodes: []string{"n1", "n2", "n3"}})
//	...
//	err = node.Serve(ctx, net)
//
// # What may happen to a message
//
// Core NATS delivers at most once: while a server is away or a receiver is too
// slow, messages are lost, and a call of package eddy sends another attempt. What is
// lost is counted ([Conn.Counts]). A connection that breaks is made again, for ever;
// [Dial] does not wait for the first either, [Conn.Joined] does.
//
// # Who may say what
//
// A message from n1 to n2 goes to the subject eddy.<cluster>.n2.n1, so that a
// server's permissions can keep a node from speaking as another, and whoever
// receives it drops it if its src is not the subject's. [PermissionsOf] are those that
// a node needs; [Security] is how it proves who it is.
package natsnet

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/eddyrpc/eddy/internal/wire"
)

const (
	// DefaultServers is where a server is looked for.
	DefaultServers = nats.DefaultURL
	// DefaultCluster is the cluster of those who name none.
	DefaultCluster = "eddy"
	// DefaultMaxWaiting bounds what has come and waits to be read.
	DefaultMaxWaiting = 64 << 20

	maxMessages = 1 << 17 // that wait; a channel of so many costs 1 MB

	// maxSubjects is how long the subject and the reply subject of a message may be
	// together: a server that is sent a line of more than 4,096 bytes ends the
	// connection for good.
	maxSubjects = 4096 - len("PUB   1000000000")
)

var errLongName = errors.New("the name is too long for a subject of NATS")

// A Config says who joins what.
type Config struct {
	// Servers are URLs with commas between. "" means nats://127.0.0.1:4222.
	Servers string
	// Cluster keeps clusters on the same servers apart. "" means eddy.
	Cluster string
	// Node is the name to join as. It must be nobody else's at the same time.
	Node string
	// Nodes are the names of all nodes. If it is not nil, Dial's Conn reads as
	// its first message an init with them, and keeps the answer to itself.
	Nodes []string
	// MaxWaiting is how many bytes that have come may wait to be read, and no
	// more than 131,072 messages; beyond that messages are lost and counted. 0
	// means 64 MiB.
	MaxWaiting int
	// Observe is told how long the reply to each request of the node took, from
	// any goroutine. nil is nobody.
	Observe func(dest string, roundTrip time.Duration)
	// Log is told of lost connections and messages. nil means nobody.
	Log *slog.Logger

	Security
}

// Security is how a server is trusted, and how it trusts us. Secrets are in files,
// since a command line is for all to see.
type Security struct {
	Creds string // file with a JWT and a seed, as nsc writes it
	NKey  string // file with an NKey's seed
	Token string // file with a token
	CA    string // file with the certificates that a server's must be signed by
	Cert  string // file with our certificate, with Key for TLS both ways
	Key   string
}

// Counts are what a connection has seen since it was made.
type Counts struct {
	In, Out    int64 // messages received and sent
	Misplaced  int64 // messages dropped: their src or dest was not the subject's, or they were none
	Earlier    int64 // replies dropped: an earlier life of the node had asked for them
	Foreign    int64 // messages of ours that were not sent: their src is not our name
	Lost       int64 // messages that came faster than they were read
	Unheard    int64 // messages that were sent to a node that nobody has joined as
	Unsent     int64 // messages that could not be sent: no server was reached for too long, or they were too large for it
	Reconnects int64
}

// A Conn is a node's place in the network: an eddy.Transport. Its methods may be
// called from any goroutine, but Read from one at a time, and so Write.
type Conn struct {
	cfg   Config
	nc    *nats.Conn
	names subjects
	peers peers
	log   limitedLog
	lives lives
	trips roundTrips
	inbox inbox

	asked bool                        // init has been read, and not yet answered
	lose  atomic.Pointer[func() bool] // for tests

	in, out, misplaced, earlier, foreign, unheard, unsent atomic.Int64
}

// Dial joins. It does not wait for a server: as long as there is none, all messages
// are lost or wait to be sent. The error is that of a Config that can't be.
func Dial(cfg Config) (*Conn, error) {
	cfg.Cluster = cfg.ClusterName()
	switch {
	case cfg.Node == "":
		return nil, errors.New("natsnet: a node without a name")
	case len(Subject(cfg.Cluster, cfg.Node, cfg.Node)) > maxSubjects/2:
		return nil, fmt.Errorf("natsnet: %w", errLongName)
	}
	c := &Conn{cfg: cfg, names: subjects{cluster: cfg.Cluster}, log: limitedLog{to: cfg.Log}}
	c.peers.names, c.peers.self = c.names, cfg.Node
	c.lives.begin()
	c.trips.observe = cfg.Observe
	var err error
	if c.nc, err = cfg.connect("eddy "+cfg.Cluster+" "+cfg.Node, &c.log); err != nil {
		return nil, err
	}
	if err = c.subscribe(); err != nil {
		c.nc.Close()
		return nil, fmt.Errorf("natsnet: %w", err)
	}
	if cfg.Nodes != nil {
		c.asked = true
		c.inbox.first = initLine(cfg.Node, cfg.Nodes)
	}
	return c, nil
}

func (c *Conn) subscribe() error {
	if _, err := c.nc.Subscribe(c.names.unheardBy(c.cfg.Node), c.bounced); err != nil {
		return err
	}
	sub, err := c.nc.SubscribeSync(c.names.to(c.cfg.Node))
	if err != nil {
		return err
	}
	return c.inbox.init(sub, cmp.Or(c.cfg.MaxWaiting, DefaultMaxWaiting), c.receive)
}

// ClusterName is the cluster's, the default's if it has none.
func (cfg *Config) ClusterName() string { return cmp.Or(cfg.Cluster, DefaultCluster) }

// Connect connects to the servers as Dial does, for another use of them.
func Connect(cfg Config) (*nats.Conn, error) {
	return cfg.connect("eddy "+cfg.ClusterName(), &limitedLog{to: cfg.Log})
}

// connect makes a connection that outlives its servers.
func (cfg *Config) connect(name string, log *limitedLog) (*nats.Conn, error) {
	options, err := cfg.options()
	if err != nil {
		return nil, fmt.Errorf("natsnet: %w", err)
	}
	var made atomic.Pointer[nats.Conn]
	options = append(options,
		nats.Name(name),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // the mistake may be the server's, and mended
		nats.CustomReconnectDelay(func(int) time.Duration {
			// A server that turns us away is told of nowhere else.
			if nc := made.Load(); nc != nil && nc.LastError() != nil {
				log.unreached(nc.LastError())
			}
			return 100*time.Millisecond + rand.N(200*time.Millisecond)
		}),
		nats.PingInterval(2*time.Second), // a server that was cut off is missed after 4 s
		nats.MaxPingsOutstanding(1),
		nats.Timeout(2*time.Second),
		nats.SyncQueueLen(maxMessages),
		nats.ConnectHandler(func(nc *nats.Conn) { log.info("connected", "server", nc.ConnectedServerName()) }),
		nats.ReconnectHandler(func(nc *nats.Conn) { log.info("reconnected", "server", nc.ConnectedServerName()) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { log.unreached(err) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.warn("disconnected", "error", err)
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.warn("trouble", "error", err) }),
	)
	nc, err := nats.Connect(cmp.Or(cfg.Servers, DefaultServers), options...)
	if err != nil {
		return nil, fmt.Errorf("natsnet: %w", err)
	}
	made.Store(nc)
	return nc, nil
}

// receive reports whether a message is to be read, on the reader's goroutine.
func (c *Conn) receive(m *nats.Msg) bool {
	var scanned wire.Message
	src, ok := c.peers.source(m.Subject)
	// Were there a second line in it, that could come from anybody.
	if !ok || bytes.IndexByte(m.Data, '\n') >= 0 || scanned.Scan(m.Data) != nil ||
		string(scanned.Src) != src || string(scanned.Dest) != c.cfg.Node {
		c.misplaced.Add(1)
		c.log.warn("a message was dropped that is not what its subject says", "subject", m.Subject, "text", quote(m.Data))
		return false
	}
	if !c.lives.accept(src, m.Reply, &scanned.Body) {
		c.earlier.Add(1)
		return false
	}
	c.trips.received(src, &scanned.Body)
	c.in.Add(1)
	return true
}

// bounced takes in a server's word that nobody has joined as the node that we sent
// something to.
func (c *Conn) bounced(m *nats.Msg) {
	if m.Header.Get("Status") != "503" {
		return
	}
	c.unheard.Add(1)
	if dest, ok := unheardDest(m.Subject); ok {
		c.log.warn("nobody has joined as the node that a message is for", "dest", dest)
	}
}

// Read reads lines, whole or in pieces. It returns io.EOF after Close, and another
// error when a server has ended the connection for good: for a reason that is neither
// its own end nor who we are.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.inbox.read(p)
	if err == errCut && c.nc.LastError() != nil {
		err = fmt.Errorf("%w: %w", errCut, c.nc.LastError())
	}
	return n, err
}

// Write sends the messages of whole lines. Its error is that of a connection that
// was closed; a message that can't be sent is counted and lost, as messages are.
func (c *Conn) Write(lines []byte) (int, error) {
	for rest := lines; len(rest) > 0; {
		line := rest
		if at := bytes.IndexByte(rest, '\n'); at >= 0 {
			line, rest = rest[:at], rest[at+1:]
		} else {
			rest = nil
		}
		if err := c.send(line); err != nil {
			return 0, err
		}
	}
	return len(lines), nil
}

func (c *Conn) send(line []byte) error {
	var m wire.Message
	if err := m.Scan(line); err != nil {
		c.foreign.Add(1)
		c.log.warn("the node wrote no message", "reason", err, "text", quote(line))
		return nil
	}
	if string(m.Src) != c.cfg.Node {
		c.foreign.Add(1)
		c.log.warn("the node wrote in a wrong name", "src", string(m.Src), "text", quote(line))
		return nil
	}
	if c.asked && string(m.Dest) == initSource && m.Body.InReplyTo == 1 {
		c.asked = false
		if string(m.Body.Type) != "init_ok" {
			return fmt.Errorf("natsnet: init was answered with %s", m.Body.Raw)
		}
		return nil
	}
	if lose := c.lose.Load(); lose != nil && (*lose)() {
		return nil
	}
	dest := c.peers.dest(m.Dest)
	c.trips.sent(dest.name, &m.Body)
	switch err := c.publish(dest.subject, c.lives.reply(dest, &m.Body), line); {
	case err == nil:
		c.out.Add(1)
		if m.Body.ID != wire.NoID && m.Body.InReplyTo == wire.NoID {
			dest.requests.Add(1)
		}
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrConnectionDraining):
		return io.ErrClosedPipe
	default:
		c.unsent.Add(1)
		c.log.warn("a message was not sent", "dest", dest.name, "bytes", len(line), "error", err)
	}
	return nil
}

func (c *Conn) publish(subject, reply string, line []byte) error {
	if len(subject)+len(reply) > maxSubjects {
		return errLongName
	}
	return c.nc.PublishRequest(subject, reply, line)
}

// Reborn says that another life of the node begins: what was asked in the one before
// is no longer answered.
func (c *Conn) Reborn() { c.lives.begin() }

// Close sends what has been written, for a second at most, and leaves. What was
// received before can still be read.
func (c *Conn) Close() error {
	c.nc.FlushTimeout(time.Second)
	c.inbox.close()
	c.nc.Close()
	return nil
}

// Joined waits until a server is reached and knows where to find us: what others
// send from then on comes here. Its error tells why there is none; it wraps the cause
// of ctx's end.
func (c *Conn) Joined(ctx context.Context) error {
	for {
		once, cancel := context.WithTimeout(ctx, time.Second)
		err := c.nc.FlushWithContext(once)
		cancel()
		switch {
		case err == nil && c.nc.IsConnected():
			return nil
		case ctx.Err() != nil:
			if why := c.log.failure.Load(); why != nil {
				return fmt.Errorf("%w (%w)", *why, context.Cause(ctx))
			}
			return context.Cause(ctx)
		case errors.Is(err, nats.ErrConnectionClosed):
			return io.ErrClosedPipe
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// Connected reports whether a server is reached now.
func (c *Conn) Connected() bool { return c.nc.IsConnected() }

// Server is the name of the server that is reached now, or "".
func (c *Conn) Server() string { return c.nc.ConnectedServerName() }

// Requests are how many the node has sent to each other. A request is an attempt of a
// call; which attempts are of one call only the node knows. They begin anew after
// 10,000 others.
func (c *Conn) Requests() map[string]int64 { return c.peers.requests() }

// Counts returns the counters.
func (c *Conn) Counts() Counts {
	return Counts{
		In: c.in.Load(), Out: c.out.Load(), Misplaced: c.misplaced.Load(), Earlier: c.earlier.Load(), Foreign: c.foreign.Load(),
		Lost: c.inbox.lost(), Unheard: c.unheard.Load(), Unsent: c.unsent.Load(),
		Reconnects: int64(c.nc.Stats().Reconnects),
	}
}

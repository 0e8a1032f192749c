// Package natscarrier carries the messages of a test over three NATS servers, each in a
// process of its own, and injects faults into the servers.
//
// Every node has a connection of package natsnet, as with eddy join. The messages of
// clients, of nodes that a workload plays, and forged ones go over connections of the
// test's own. A line has, besides its body, the member "record", the message's index in
// the journal. Nodes do not receive this member.
package natscarrier

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/runner"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/trial"
	"github.com/eddyrpc/eddy/natsnet"
)

// A Config says how servers are started.
type Config struct {
	// Program and Args are the command line of a server, to which the path of its
	// configuration is added. The server must end when its standard input ends.
	Program string
	Args    []string
	// Logs is the directory for the logs of servers and connections. Open makes it.
	Logs string
}

// clusterName is the name of the nodes' cluster.
const clusterName = "eddy"

// Carrier carries the messages of a test: a runner.Carrier.
type Carrier struct {
	cfg     Config
	dir     string // of the servers' configurations and data
	log     *os.File
	servers servers

	names    []string       // of the nodes
	nodes    map[string]int // the index of each node
	conns    []*natsnet.Conn
	ours     []*nats.Conn   // the test's own; at first one is connected to each server
	home     map[string]int // which of them a member that is no node uses
	services services
	running  sync.WaitGroup
	line     []byte

	ready chan struct{}
	check check

	mu       sync.Mutex
	arrivals []trial.Arrival
	err      error
	closed   bool
}

// New returns a Carrier whose servers are not started.
func New(cfg Config) *Carrier {
	c := &Carrier{cfg: cfg, nodes: map[string]int{}, home: map[string]int{}, ready: make(chan struct{}, 1)}
	c.services.carrier = c
	c.check.news = make(chan struct{}, 1)
	return c
}

// Open starts the servers, connects all members, and waits until all can be reached.
func (c *Carrier) Open(ctx context.Context, nodes, others []string) error {
	var err error
	if c.dir, err = os.MkdirTemp("", "eddy-nats-"); err != nil {
		return err
	}
	if err := os.MkdirAll(c.cfg.Logs, 0o755); err != nil {
		return err
	}
	if c.log, err = os.Create(filepath.Join(c.cfg.Logs, "connections.log")); err != nil {
		return err
	}
	if err := c.servers.start(c); err != nil {
		return fmt.Errorf("start NATS servers: %w", err)
	}
	if err := c.servers.await(ctx); err != nil {
		return err
	}
	if err := c.connect(nodes, others); err != nil {
		return err
	}
	c.CheckServers()
	for !c.ServersChecked() {
		if err := c.pause(ctx); err != nil {
			return err
		}
	}
	return c.services.start(ctx)
}

// pause waits until there is news, but only for a short time.
func (c *Carrier) pause(ctx context.Context) error {
	select {
	case <-c.ready:
	case <-time.After(betweenTries):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return c.Err()
}

// connect makes all connections.
func (c *Carrier) connect(nodes, others []string) error {
	log := slog.New(slog.NewTextHandler(c.log, nil))
	for i, url := range c.servers.urls {
		nc, err := natsnet.Connect(natsnet.Config{Servers: url, Log: log.With("connection", i+1)})
		if err != nil {
			return err
		}
		c.ours = append(c.ours, nc)
		inbox := make(chan *nats.Msg, 1<<16)
		c.running.Go(func() { c.receiveOurs(i, inbox) })
		c.check.inboxes = append(c.check.inboxes, inbox)
		if _, err := nc.ChanSubscribe(subscription(ownName(i)), inbox); err != nil {
			return err
		}
	}
	c.names = nodes
	for i, name := range nodes {
		c.nodes[name], c.home[name] = i, i%len(c.ours)
		conn, err := natsnet.Dial(natsnet.Config{
			Servers: c.servers.urls[c.home[name]], Cluster: clusterName, Node: name, Log: log.With("node", name),
		})
		if err != nil {
			return err
		}
		c.conns = append(c.conns, conn)
		c.running.Go(func() { c.receive(i, conn) })
	}
	for i, name := range others {
		c.home[name] = i % len(c.ours)
		c.subscribe(name)
	}
	return nil
}

// ownName returns the name of one of the test's own connections. No node has such a name.
func ownName(i int) string { return "/" + strconv.Itoa(i) }

func subscription(name string) string {
	return natsnet.PermissionsOf(clusterName, name).Subscribe[0]
}

// Join connects a client to the server of its node.
func (c *Carrier) Join(client, node string) {
	c.home[client] = c.home[node]
	c.subscribe(client)
}

func (c *Carrier) subscribe(name string) {
	at := c.home[name]
	if _, err := c.ours[at].ChanSubscribe(subscription(name), c.check.inboxes[at]); err != nil {
		c.fail(fmt.Errorf("join %s: %w", name, err))
	}
}

// NewIncarnation is called before a node is started.
func (c *Carrier) NewIncarnation(node string) { c.conns[c.nodes[node]].NewIncarnation() }

// Carry sends a message.
func (c *Carrier) Carry(r *sim.Record) {
	c.line = appendLine(c.line[:0], r.Src, r.Dest, int64(r.Index), r.Body)
	if i, isNode := c.nodes[r.Src]; isNode && !r.Forged {
		c.conns[i].Write(c.line) // a message that cannot be sent is lost
		return
	}
	c.ours[c.home[r.Src]].Publish(natsnet.Subject(clusterName, r.Dest, r.Src), c.line)
}

func appendLine(dst []byte, src, to string, record int64, body []byte) []byte {
	dst = message.AppendQuote(append(dst, `{"src":`...), src)
	dst = message.AppendQuote(append(dst, `,"dest":`...), to)
	dst = strconv.AppendInt(append(dst, `,"record":`...), record, 10)
	return append(append(append(dst, `,"body":`...), body...), '}')
}

// receive handles the messages to a node.
func (c *Carrier) receive(node int, conn *natsnet.Conn) {
	lines := cluster.NewLineReader(conn, 1<<30)
	for {
		line, err := lines.Next()
		if err != nil {
			return
		}
		c.arrived(node, slices.Clone(line.Text))
	}
}

// receiveOurs handles the messages that arrive over one of the test's own connections.
func (c *Carrier) receiveOurs(i int, inbox chan *nats.Msg) {
	for m := range inbox {
		c.arrived(len(c.names)+i, m.Data)
	}
}

// arrived handles a line at an end: the index of a node, or, after those, of one of the
// test's own connections.
func (c *Carrier) arrived(end int, line []byte) {
	record, err := strconv.ParseInt(string(message.Member(line, "record")), 10, 64)
	switch {
	case err != nil:
		c.fail(fmt.Errorf("a message over the test's NATS servers is not from the test: %.200q", line))
	case record < 0:
		c.check.probeArrived(end, record)
	default:
		c.put(trial.Arrival{Record: int(record), Body: message.Member(line, "body")})
	}
}

func (c *Carrier) put(a trial.Arrival) {
	c.mu.Lock()
	c.arrivals = append(c.arrivals, a)
	c.mu.Unlock()
	c.wake()
}

func (c *Carrier) wake() {
	select {
	case c.ready <- struct{}{}:
	default:
	}
}

// Ready returns a channel that receives a value when there may be arrivals or other news.
func (c *Carrier) Ready() <-chan struct{} { return c.ready }

// Arrivals returns what has arrived since the last call.
func (c *Carrier) Arrivals() []trial.Arrival {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.arrivals
	c.arrivals = nil
	return all
}

// Serve delivers a message to a service.
func (c *Carrier) Serve(service string, line []byte) { c.services.deliver(service, line) }

// ConnectedTo returns the nodes that are connected to some of the servers.
func (c *Carrier) ConnectedTo(servers []string) (nodes []string) {
	for i, conn := range c.conns {
		if slices.Contains(servers, conn.Server()) {
			nodes = append(nodes, c.names[i])
		}
	}
	return nodes
}

func (c *Carrier) fail(err error) {
	c.mu.Lock()
	if c.err == nil && !c.closed {
		c.err = err
	}
	c.mu.Unlock()
	c.wake()
}

// Err returns why messages cannot be carried any more, or nil.
func (c *Carrier) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the servers and connections, and leaves nothing but logs.
func (c *Carrier) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.check.stop()
	c.services.stop()
	var leaving sync.WaitGroup
	for _, conn := range c.conns {
		leaving.Go(func() { conn.Close() }) // which waits if the server is dead
	}
	leaving.Wait()
	for i, nc := range c.ours {
		nc.Close()
		close(c.check.inboxes[i])
	}
	c.running.Wait()
	c.servers.stop()
	if c.log != nil {
		c.log.Close()
	}
	if c.dir != "" {
		os.RemoveAll(c.dir)
	}
}

var _ runner.Carrier = (*Carrier)(nil)

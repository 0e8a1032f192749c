// Package natscarrier carries a test's messages over three NATS servers, each a
// process of its own, and makes these go wrong.
//
// Every node has a connection as eddy join has, by package natsnet; clients, the
// nodes that a workload plays and forged messages go over connections of the test's
// own. Beside its body a line has the member "record", the message's index in the
// journal, which nodes never see.
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
	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/natsnet"
)

// A Config says what servers are.
type Config struct {
	// Program and Args are a server's command line, but for its configuration
	// file, which is the last argument. It must end with its input.
	Program string
	Args    []string
	// Logs is the directory for what servers and connections tell. Open makes it.
	Logs string
}

// clusterName is the cluster that the nodes join.
const clusterName = "eddy"

// Carrier is a runner.Carrier.
type Carrier struct {
	cfg     Config
	dir     string // what servers keep, and their configurations
	log     *os.File
	servers servers

	names    []string       // of the nodes
	nodes    map[string]int // their places
	conns    []*natsnet.Conn
	ours     []*nats.Conn // one that was first at each server
	home     map[string]int
	services services
	running  sync.WaitGroup
	line     []byte

	ready    chan struct{}
	gathered gathering

	mu       sync.Mutex
	arrivals []runner.Arrival
	err      error
	closed   bool
}

// New is a carrier whose servers are not started.
func New(cfg Config) *Carrier {
	c := &Carrier{cfg: cfg, nodes: map[string]int{}, home: map[string]int{}, ready: make(chan struct{}, 1)}
	c.services.carrier = c
	c.gathered.news = make(chan struct{}, 1)
	return c
}

// Open starts the servers, joins everybody, and waits until all can be reached.
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

// pause waits a moment, or until there is news.
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
		nc, err := natsnet.Connect(natsnet.Config{Servers: url, Log: log.With("tester", i+1)})
		if err != nil {
			return err
		}
		c.ours = append(c.ours, nc)
		inbox := make(chan *nats.Msg, 1<<16)
		c.running.Go(func() { c.receiveOurs(i, inbox) })
		c.gathered.inboxes = append(c.gathered.inboxes, inbox)
		if _, err := nc.ChanSubscribe(subscription(testerName(i)), inbox); err != nil {
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

// testerName is what a connection of our own is known by. No node is called so.
func testerName(i int) string { return "/" + strconv.Itoa(i) }

func subscription(name string) string {
	return natsnet.PermissionsOf(clusterName, name).Subscribe[0]
}

// Join joins a client.
func (c *Carrier) Join(client, node string) {
	c.home[client] = c.home[node]
	c.subscribe(client)
}

func (c *Carrier) subscribe(name string) {
	at := c.home[name]
	if _, err := c.ours[at].ChanSubscribe(subscription(name), c.gathered.inboxes[at]); err != nil {
		c.fail(fmt.Errorf("join %s: %w", name, err))
	}
}

// NewIncarnation is called before a node is started.
func (c *Carrier) NewIncarnation(node string) { c.conns[c.nodes[node]].NewIncarnation() }

// Carry sends a message.
func (c *Carrier) Carry(r *sim.Record) {
	c.line = appendLine(c.line[:0], r.Src, r.Dest, int64(r.Index), r.Body)
	if i, isNode := c.nodes[r.Src]; isNode && !r.Forged {
		c.conns[i].Write(c.line) // what can't be sent is lost
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

// receive takes in what comes for a node.
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

// receiveOurs takes in what comes over a connection of our own, in its order.
func (c *Carrier) receiveOurs(i int, inbox chan *nats.Msg) {
	for m := range inbox {
		c.arrived(len(c.names)+i, m.Data)
	}
}

// arrived takes in one line at an end: a node's place, or after those one of our
// connections.
func (c *Carrier) arrived(end int, line []byte) {
	record, err := strconv.ParseInt(string(message.Member(line, "record")), 10, 64)
	switch {
	case err != nil:
		c.fail(fmt.Errorf("somebody else has sent over the test's NATS servers: %.200q", line))
	case record < 0:
		c.gathered.heard(end, record)
	default:
		c.put(runner.Arrival{Record: int(record), Body: message.Member(line, "body")})
	}
}

func (c *Carrier) put(a runner.Arrival) {
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

// Ready receives when there may be arrivals, or other news.
func (c *Carrier) Ready() <-chan struct{} { return c.ready }

// Arrivals are what has come since it was last called.
func (c *Carrier) Arrivals() []runner.Arrival {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.arrivals
	c.arrivals = nil
	return all
}

// Serve hands a message to a service.
func (c *Carrier) Serve(service string, line []byte) { c.services.take(service, line) }

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

// Err is why messages can't be carried any more, or nil.
func (c *Carrier) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends all, and leaves nothing but logs.
func (c *Carrier) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.gathered.stop()
	c.services.stop()
	var leaving sync.WaitGroup
	for _, conn := range c.conns {
		leaving.Go(func() { conn.Close() }) // which waits for a server that is dead
	}
	leaving.Wait()
	for i, nc := range c.ours {
		nc.Close()
		close(c.gathered.inboxes[i])
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

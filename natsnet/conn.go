// Package natsnet carries the messages of a node over NATS, so that nodes on many
// machines form one cluster. The node itself does not change:
//
//	net, err := natsnet.Dial(natsnet.Config{Node: "n2", Nodes: []string{"n1", "n2", "n3"}})
//	...
//	err = node.Serve(ctx, net)
//
// # Delivery
//
// Core NATS delivers a message at most once. Messages are lost while a server is
// unreachable or a receiver is too slow; a call of package eddy then sends another
// attempt. [Conn.Counts] counts what is lost. A connection that breaks is made again,
// without limit. [Dial] does not wait for the first one; [Conn.Joined] does.
//
// # Permissions
//
// A message from n1 to n2 has the subject eddy.<cluster>.n2.n1. A server's permissions
// can therefore keep a node from speaking as another one. The receiver drops a message
// whose src or dest differs from its subject. [PermissionsOf] returns the permissions
// that a node needs; [Security] says how it authenticates.
package natsnet

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"

	"github.com/eddyrpc/eddy/internal/wire"
)

const (
	// DefaultServers is the URL of the server if Config names none.
	DefaultServers = nats.DefaultURL
	// DefaultCluster is the cluster if Config names none.
	DefaultCluster = "eddy"
	// DefaultMaxWaiting is the limit on the bytes of received messages that wait to
	// be read.
	DefaultMaxWaiting = 64 << 20

	maxMessages = 1 << 17 // that wait to be read; a channel of this size takes 1 MB

	// maxSubjects is the limit on the length of a message's subject and reply subject
	// together. A server ends a connection for good when it receives a control line of
	// more than 4,096 bytes.
	maxSubjects = 4096 - len("PUB   1000000000")
)

var errLongName = errors.New("the name is too long for a subject of NATS")

// A Config says which node joins which cluster.
type Config struct {
	// Servers are URLs, separated by commas. "" means nats://127.0.0.1:4222.
	Servers string
	// Cluster separates clusters that use the same servers. "" means eddy.
	Cluster string
	// Node is the name of the node. No other node may have it at the same time.
	Node string
	// Nodes are the names of all nodes. If Nodes is not nil, the Conn reads an init
	// with these names as its first message, and does not send the node's reply to it.
	Nodes []string
	// MaxWaiting limits the bytes of received messages that wait to be read, as they came
	// over the network. Headers, which no node sends, may take 15 times as much memory.
	// The number of messages is limited to 131,072. Messages beyond a limit are lost and
	// counted. 0 means 64 MiB.
	MaxWaiting int
	// FailFast makes a request fail at once if nobody has joined as its dest: the Conn reads an
	// error reply with code 1 (node-not-found), which is definite. A policy can retry on it.
	// Without FailFast such a request is lost, and its attempt times out. So a call survives
	// that its dest is restarted.
	FailFast bool
	// Observe, if not nil, is called with the round trip time of each request of the
	// node that is replied to. It may be called from any goroutine.
	Observe func(dest string, roundTrip time.Duration)
	// Log, if not nil, receives what happens to the connection and which messages are
	// lost.
	Log *slog.Logger

	Security
}

// A Conn is the connection of a node to its cluster: an eddy.Transport. Its methods are
// safe for concurrent use, except that only one goroutine at a time may call Read, and
// only one Write.
type Conn struct {
	cfg          Config
	nc           *nats.Conn
	subjects     subjects
	peers        peers
	log          limitedLog
	incarnations incarnations
	trips        roundTrips
	inbox        inbox

	waiting    atomic.Int64                // messages that were written while no server was connected
	initSource string                      // the src of the init that was not replied to yet, or ""
	lose       atomic.Pointer[func() bool] // for tests

	counters counters
}

// Dial joins a cluster. It does not wait for a server: until one is reached, messages
// wait to be sent or are lost. The error says what is wrong with cfg.
func Dial(cfg Config) (*Conn, error) {
	cfg.Cluster = cfg.ClusterName()
	switch {
	case cfg.Node == "":
		return nil, errors.New("natsnet: the node has no name")
	case !utf8.ValidString(cfg.Node):
		return nil, fmt.Errorf("natsnet: the node's name %q is not valid UTF-8", excerpt(cfg.Node))
	case cfg.MaxWaiting < 0:
		return nil, fmt.Errorf("natsnet: MaxWaiting: %d must not be negative", cfg.MaxWaiting)
	case len(Subject(cfg.Cluster, cfg.Node, cfg.Node)) > maxSubjects/2:
		return nil, fmt.Errorf("natsnet: %w", errLongName)
	}
	c := &Conn{cfg: cfg, subjects: subjects{cluster: cfg.Cluster}, log: limitedLog{to: cfg.Log}}
	c.peers.init(c.subjects, cfg.Node)
	c.incarnations.init()
	c.trips.init(cfg.Observe)
	c.inbox.accept, c.inbox.refused = c.receive, c.refused
	var err error
	if c.nc, err = cfg.connect("eddy "+cfg.Cluster+" "+cfg.Node, &c.log, func() { c.waiting.Store(0) }); err != nil {
		return nil, err
	}
	if err = c.subscribe(); err != nil {
		c.nc.Close()
		return nil, fmt.Errorf("natsnet: %w", err)
	}
	if cfg.Nodes != nil {
		// A random name, so that no other node can pretend to have sent init or to be
		// the receiver of its reply.
		c.initSource = "init-" + rand.Text()
		if c.inbox.first, err = initLine(c.initSource, cfg.Node, cfg.Nodes); err != nil {
			c.nc.Close()
			return nil, fmt.Errorf("natsnet: %w", err)
		}
	}
	return c, nil
}

func (c *Conn) subscribe() error {
	if _, err := c.nc.Subscribe(c.subjects.replies(c.cfg.Node), c.bounced); err != nil {
		return err
	}
	sub, err := c.nc.SubscribeSync(c.subjects.to(c.cfg.Node))
	if err != nil {
		return err
	}
	return c.inbox.init(sub, cmp.Or(c.cfg.MaxWaiting, DefaultMaxWaiting))
}

const initID = 1 // the msg_id of init

// initLine returns the message that tells a node its name.
func initLine(src, node string, nodes []string) ([]byte, error) {
	line, err := json.Marshal(map[string]any{
		"src": src, "dest": node,
		"body": map[string]any{"type": "init", "msg_id": initID, "node_id": node, "node_ids": nodes},
	})
	return append(line, '\n'), err
}

// receive reports whether a message is to be read. It runs on the goroutine that calls
// Read.
func (c *Conn) receive(m *nats.Msg) bool {
	var scanned wire.Message
	src, ok := c.peers.source(m.Subject)
	// A second line could name any node as its src.
	if !ok || bytes.IndexByte(m.Data, '\n') >= 0 || scanned.Scan(m.Data) != nil ||
		string(scanned.Src) != src || string(scanned.Dest) != c.cfg.Node {
		c.counters.invalid.Add(1)
		c.log.warn("dropped what is not one message with the src and dest of its subject",
			"subject", excerpt(m.Subject), "text", excerpt(m.Data))
		return false
	}
	if !c.incarnations.accept(src, m.Reply, &scanned.Body) {
		c.counters.stale.Add(1)
		return false
	}
	c.trips.received(src, &scanned.Body)
	c.counters.in.Add(1)
	return true
}

// refused counts a message that package nats did not hand over.
func (c *Conn) refused(err error) {
	c.counters.invalid.Add(1)
	c.log.warn("dropped a message that is only a status of NATS", "error", err)
}

// bounced handles the word of a server that nobody has joined as the dest of a message.
func (c *Conn) bounced(m *nats.Msg) {
	if m.Header.Get("Status") != "503" {
		return
	}
	c.counters.noReceiver.Add(1)
	sent, ok := parseReply(m.Subject)
	if !ok {
		return
	}
	c.log.warn("nobody has joined as the dest of a message", "dest", excerpt(sent.dest))
	if sent.isRequest && c.incarnations.isCurrent(sent.incarnation) {
		if line, err := notFound(sent.dest, c.cfg.Node, sent.id); err == nil {
			c.inbox.put(line)
		}
	}
}

const nodeNotFound = 1 // the code of the protocol

// notFound returns the error reply to a request to a node that nobody has joined as.
func notFound(dest, node string, id int64) ([]byte, error) {
	return json.Marshal(map[string]any{
		"src": dest, "dest": node,
		"body": map[string]any{
			"type": "error", "in_reply_to": id, "code": nodeNotFound, "text": "nobody has joined as " + excerpt(dest),
		},
	})
}

// Read reads lines, whole or in pieces. After Close it returns io.EOF. It returns
// another error if a server has ended the connection for a reason after which
// reconnecting is useless.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.inbox.read(p)
	if err == errEnded && c.nc.LastError() != nil {
		err = fmt.Errorf("%w: %w", errEnded, c.nc.LastError())
	}
	return n, err
}

// Write sends the messages of whole lines. It returns an error if the connection was
// closed, or if the node did not accept init. A message that cannot be sent is counted
// and lost.
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
		c.counters.foreign.Add(1)
		c.log.warn("the node wrote a line that is no message", "reason", err, "text", excerpt(line))
		return nil
	}
	if string(m.Src) != c.cfg.Node {
		c.counters.foreign.Add(1)
		c.log.warn("the node wrote a message whose src is not its name", "src", excerpt(m.Src), "text", excerpt(line))
		return nil
	}
	if c.initSource != "" && string(m.Dest) == c.initSource && m.Body.InReplyTo == initID {
		c.initSource = ""
		if string(m.Type) != "init_ok" {
			return fmt.Errorf("natsnet: the node replied to init with %s", excerpt(m.Raw))
		}
		return nil
	}
	if lose := c.lose.Load(); lose != nil && (*lose)() {
		return nil
	}
	err := c.publish(&m, line)
	if errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrConnectionDraining) {
		return io.ErrClosedPipe
	}
	if err != nil {
		c.counters.unsent.Add(1)
		c.log.warn("a message was not sent", "dest", excerpt(m.Dest), "bytes", len(line), "error", err)
	}
	return nil
}

// publish sends a message of the node.
func (c *Conn) publish(m *wire.Message, line []byte) error {
	dest := c.peers.dest(m.Dest)
	if dest == nil {
		return errLongName
	}
	reply := c.incarnations.reply(dest, &m.Body)
	isRequest := m.Body.ID != wire.NoID && m.Body.InReplyTo == wire.NoID
	if isRequest && c.cfg.FailFast {
		reply += "." + strconv.FormatInt(m.Body.ID, 10)
	}
	if len(dest.subject)+len(reply) > maxSubjects {
		return errLongName
	}
	c.trips.sent(dest.name, &m.Body)
	if err := c.nc.PublishRequest(dest.subject, reply, line); err != nil {
		return err
	}
	c.counters.out.Add(1)
	if !c.nc.IsConnected() {
		c.waiting.Add(1)
	}
	if isRequest {
		dest.requests.Add(1)
	}
	return nil
}

// NewIncarnation tells the connection that the node's process was started again. Replies
// to requests that were sent before are dropped.
func (c *Conn) NewIncarnation() { c.incarnations.next() }

// Close is Shutdown within a second.
func (c *Conn) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return c.Shutdown(ctx)
}

// Shutdown sends what was written and leaves the cluster. If messages wait because no server
// is connected, it waits for a server until ctx ends. Then the messages are lost, and the
// error, the log and [Conn.Counts] say how many. What was received before can still be read.
func (c *Conn) Shutdown(ctx context.Context) error {
	var lost int64
	if c.nc.IsConnected() || c.waiting.Load() > 0 {
		if c.Joined(ctx) != nil && !c.nc.IsConnected() {
			lost = c.waiting.Swap(0)
		}
	}
	c.inbox.close()
	c.nc.Close()
	if lost == 0 {
		return nil
	}
	c.counters.out.Add(-lost)
	c.counters.unsent.Add(lost)
	if c.log.to != nil {
		c.log.to.Warn("messages were not sent, because no server was reached", "messages", lost)
	}
	return fmt.Errorf("natsnet: %d messages were not sent, because no server was reached", lost)
}

// Joined waits until a server is reached and has the node's subscriptions: messages
// that others send after that arrive. When ctx ends first, the error says why no server
// was reached, and wraps the cause of ctx's end.
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

// Node returns the name of the node.
func (c *Conn) Node() string { return c.cfg.Node }

// Connected reports whether a server is connected now.
func (c *Conn) Connected() bool { return c.nc.IsConnected() }

// Server returns the name of the server that is connected now, or "".
func (c *Conn) Server() string { return c.nc.ConnectedServerName() }

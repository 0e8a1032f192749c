package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/bench/internal/load"
	"github.com/eddyrpc/eddy/internal/natsprocess"
)

// The peers over NATS. Their processes talk to servers and to each other and not to the
// harness. One of them is a client, which measures.
const (
	overNATS    = "eddy-nats"
	natsRequest = "nats-request"
)

func init() {
	peers = append(peers,
		&Peer{
			Name: overNATS, About: "package eddy over natsnet: a handler that blocks in RPCWithRetry, the default policy",
			Build: goBuild("./peers/nats"), Strict: true,
		},
		&Peer{
			Name: natsRequest, About: "nats.go alone: Subscribe and Respond, Request in a loop of three, encoding/json",
			Build: goBuild("./peers/natsrequest"),
		},
	)
	for _, nodes := range []int{1, 2, 4, 8, 16} {
		cases = append(cases, natsCase(nodes))
	}
	cases = append(cases, reconnectCase, idleCase)
	bounds = append(bounds,
		Bound{Case: "nats-2", Peer: overNATS, Metric: "rate", Against: natsRequest, Least: true, Must: 0.9},
		Bound{Case: "nats-2", Peer: overNATS, Metric: "p99", Against: natsRequest, Must: 1.2},
		Bound{Case: "nats-reconnect", Peer: overNATS, Metric: "failed", Must: 0.5}, // none
	)
}

func natsCase(nodes int) *Case {
	return &Case{
		Name:      fmt.Sprint("nats-", nodes),
		Title:     fmt.Sprintf("relays over NATS, %d nodes, a server, a client with 64 open calls", nodes),
		Reference: natsRequest,
		Entries: []Entry{
			{Peer: natsRequest, Size: 100_000, Smoke: smokeCalls},
			{Peer: overNATS, Size: 100_000, Smoke: smokeCalls},
		},
		Metrics: []Metric{
			{Name: "rate", Title: "messages/s", Unit: PerSecond, More: true, Compare: true},
			{Name: "p50", Title: "p50", Unit: Seconds, Compare: true},
			{Name: "p99", Title: "p99", Unit: Seconds, Compare: true},
			{Name: "cpu", Title: "nodes' CPU/message", Unit: Seconds, Compare: true},
			{Name: "cpu_client", Title: "client's", Unit: Seconds, Compare: true},
			{Name: "cpu_server", Title: "server's", Unit: Seconds, Compare: true},
		},
		Notes: []string{"a relay is four messages: client, node, next node, and back; p50 and p99 are of a relay"},
		Run:   func(r *Run) (Sample, error) { return relaysOverNATS(r, nodes) },
	}
}

var reconnectCase = &Case{
	Name:      "nats-reconnect",
	Title:     "relays over NATS, 2 nodes, 1,000 a second, while each of three servers is killed and started again",
	Reference: natsRequest,
	Entries: []Entry{
		{Peer: natsRequest, Size: 8000, Smoke: 3000},
		{Peer: overNATS, Size: 8000, Smoke: 3000},
	},
	Metrics: []Metric{
		{Name: "failed", Title: "calls failed", Unit: Count},
		{Name: "retried", Title: "answered after a retry", Unit: Count},
		{Name: "gap", Title: "longest gap", Unit: Seconds, Compare: true},
		{Name: "p99", Title: "p99", Unit: Seconds, Compare: true},
	},
	Notes: []string{"gap: the longest time between two answers to the client; three attempts of 500 ms for both"},
	Run:   reconnect,
}

var idleCase = &Case{
	Name:      "nats-idle",
	Title:     "nodes that have joined one NATS server and do nothing",
	Reference: natsRequest,
	Entries:   []Entry{{Peer: overNATS, Size: 1000, Smoke: 50}},
	Metrics: []Metric{
		{Name: "server", Title: "server's memory/node", Unit: Bytes},
		{Name: "node", Title: "a Go node's", Unit: Bytes},
		{Name: "cpu", Title: "server's CPU/node and s", Unit: Seconds},
		{Name: "joining", Title: "time to join", Unit: Seconds},
	},
	Notes: []string{"all nodes in one process, joined one after the other; resident memory gained; CPU of pings, over 4 s"},
	Run:   idleNodes,
}

// A natsRun is the servers, nodes and a client, each a process.
type natsRun struct {
	servers *natsprocess.Servers
	nodes   []*natsPeer
	client  *natsPeer
	dir     string
}

// startNATS starts all processes. The client waits for begin.
func startNATS(r *Run, servers, nodes int, flags ...string) (run *natsRun, err error) {
	run = &natsRun{}
	defer func() {
		if err != nil {
			run.kill()
		}
	}()
	if run.dir, err = os.MkdirTemp("", "eddy-bench-nats-"); err != nil {
		return run, err
	}
	if run.servers, err = natsprocess.Start(natsprocess.Config{Dir: run.dir, Count: servers}); err != nil {
		return run, err
	}
	at := func(name string) []string {
		return []string{"-servers", run.servers.URLs(), "-name", name, "-nodes", fmt.Sprint(nodes)}
	}
	for i := range nodes {
		p, err := startNATSPeer(r, at(fmt.Sprint("n", i+1)))
		if err != nil {
			return run, err
		}
		run.nodes = append(run.nodes, p)
	}
	if nodes == 0 {
		return run, nil
	}
	run.client, err = startNATSPeer(r, append(append(at("c1"), "-calls", fmt.Sprint(r.Size)), flags...))
	return run, err
}

func (n *natsRun) kill() {
	for _, p := range append(n.nodes, n.client) {
		if p != nil {
			p.kill()
		}
	}
	if n.servers != nil {
		n.servers.Close()
	}
	os.RemoveAll(n.dir)
}

// cpu returns the CPU time of the nodes, the client and the first server.
func (n *natsRun) cpu() (nodes, client, server time.Duration) {
	for _, p := range n.nodes {
		nodes += cpuTime(p.cmd.Process.Pid)
	}
	return nodes, cpuTime(n.client.cmd.Process.Pid), cpuTime(n.servers.PID(0))
}

// A natsPeer is a process of a peer over NATS.
type natsPeer struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr strings.Builder
}

// startNATSPeer starts a process and waits for its "ready".
func startNATSPeer(r *Run, flags []string) (*natsPeer, error) {
	command := append(append([]string(nil), r.Peer.command...), flags...)
	p := &natsPeer{cmd: exec.Command(command[0], command[1:]...)}
	p.cmd.Stderr = &p.stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.out = in, bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	time.AfterFunc(r.Limit, func() { p.cmd.Process.Kill() }) // ends every read
	if line, err := p.out.ReadString('\n'); line != "ready\n" {
		p.kill()
		return nil, fmt.Errorf("wrote %q instead of ready: %v: %s", line, err, p.stderr.String())
	}
	return p, nil
}

func (p *natsPeer) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// begin tells a client to begin.
func (p *natsPeer) begin() error {
	_, err := io.WriteString(p.in, "\n")
	return err
}

// figures reads what a client measured.
func (p *natsPeer) figures() (f load.Figures, err error) {
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return f, fmt.Errorf("no figures: %w: %s", err, p.stderr.String())
	}
	return f, json.Unmarshal(line, &f)
}

// relaysOverNATS keeps 64 relays open and measures them.
func relaysOverNATS(r *Run, nodes int) (Sample, error) {
	run, err := startNATS(r, 1, nodes)
	if err != nil {
		return nil, err
	}
	defer run.kill()
	nodes0, client0, server0 := run.cpu()
	if err := run.client.begin(); err != nil {
		return nil, err
	}
	f, err := run.client.figures()
	switch {
	case err != nil:
		return nil, err
	case f.Failed > 0:
		return nil, fmt.Errorf("%d relays failed, such as: %s", f.Failed, f.Error)
	}
	nodes1, client1, server1 := run.cpu()
	messages := 4 * float64(r.Size)
	return Sample{
		"rate": 4 * f.Rate, "p50": f.P50, "p99": f.P99,
		"cpu":        (nodes1 - nodes0).Seconds() / messages,
		"cpu_client": (client1 - client0).Seconds() / messages,
		"cpu_server": (server1 - server0).Seconds() / messages,
	}, nil
}

// reconnect kills one server after the other and starts it again.
func reconnect(r *Run) (Sample, error) {
	const rate = 1000
	run, err := startNATS(r, 3, 2, "-rate", fmt.Sprint(rate))
	if err != nil {
		return nil, err
	}
	defer run.kill()
	if err := run.client.begin(); err != nil {
		return nil, err
	}
	// The last server is back before the calls end.
	part := time.Duration(r.Size) * time.Second / rate / 8
	var failed error
	for i := range 3 {
		time.Sleep(part)
		run.servers.Kill(i)
		time.Sleep(part)
		failed = errors.Join(failed, run.servers.Start(i))
	}
	f, err := run.client.figures()
	if err = errors.Join(failed, err); err != nil {
		return nil, err
	}
	if f.Error != "" {
		fmt.Fprintf(os.Stderr, "%s: the first of %d failures: %s\n", r.Peer.Name, f.Failed, f.Error)
	}
	return Sample{"failed": float64(f.Failed), "retried": float64(f.Retried), "gap": f.Gap, "p99": f.P99}, nil
}

// idleNodes lets nodes join and do nothing.
func idleNodes(r *Run) (Sample, error) {
	none, err := startNATS(r, 1, 0)
	if err != nil {
		return nil, err
	}
	defer none.kill()
	pid := none.servers.PID(0)
	before, begun := memoryOf(pid).RSS, time.Now()
	p, err := startNATSPeer(r, []string{"-servers", none.servers.URLs(), "-idle", fmt.Sprint(r.Size)})
	if err != nil {
		return nil, err
	}
	defer p.kill()
	joining := time.Since(begun)
	const idle = 4 * time.Second
	cpu := cpuTime(pid)
	time.Sleep(idle)
	nodes := float64(r.Size)
	return Sample{
		"server": (memoryOf(pid).RSS - before) / nodes, "node": memoryOf(p.cmd.Process.Pid).RSS / nodes,
		"cpu": (cpuTime(pid) - cpu).Seconds() / idle.Seconds() / nodes, "joining": joining.Seconds() / nodes,
	}, nil
}

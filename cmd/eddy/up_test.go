package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/natskv"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/natsnet"
)

// A saying receives what a process writes to standard error; it can be read while the
// process runs.
type saying struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *saying) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *saying) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// startUp starts a cluster that runs until the test ends, and returns its URL. The nodes'
// standard error goes to stderr.
func startUp(t *testing.T, program string, stderr io.Writer) (url string) {
	t.Helper()
	c := upCommand{NodeCount: 3, Cluster: "test", memberFlags: memberFlags{Restarts: 5, Grace: 20 * time.Second, programFlags: programFlags{Program: program}}}
	return startUpCommand(t, &c, stderr)
}

func startUpCommand(t *testing.T, c *upCommand, stderr io.Writer) (url string) {
	t.Helper()
	c.serve = natskv.Serve
	out, in := io.Pipe()
	ctx, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		defer in.Close()
		if err := c.up(ctx, in, stderr); err != nil {
			t.Errorf("eddy up: %v", err)
		}
	})
	t.Cleanup(func() { end(); running.Wait() })
	text := make([]byte, 1000)
	n, err := out.Read(text)
	go io.Copy(io.Discard, out)
	found := regexp.MustCompile(`3 nodes are up at (nats://127\.0\.0\.1:\d+)\n`).FindSubmatch(text[:n])
	if found == nil || err != nil {
		t.Fatalf("eddy up wrote %q, %v", text[:n], err)
	}
	return string(found[1])
}

// calling makes the calls of a command and returns what it prints, and its exit status.
func calling(c *callCommand, policy *eddy.Policy) (stdout, stderr string, status int) {
	var out, errs bytes.Buffer
	c.Cluster, c.As = "test", randomName()
	c.Calls = max(c.Calls, 1)
	err := c.call(context.Background(), policy, newStatusLine(os.Stderr), &out, &errs)
	if err != nil {
		status = exitStatus(err, &errs)
	}
	return out.String(), errs.String(), status
}

// One command runs a cluster, whose nodes call each other.
func TestUp(t *testing.T) {
	t.Parallel()
	url := startUp(t, "node-member", io.Discard)
	relay := func(target string) string {
		return `{"type":"relay","target":"` + target + `","payload":{"type":"echo","echo":"hi"}}`
	}
	once := &eddy.Policy{Attempts: 1}
	for _, tt := range []struct {
		name         string
		call         callCommand
		policy       *eddy.Policy
		stdout, errs string
		status       int
	}{
		{"reply", callCommand{Dest: "n1", Body: relay("n3")}, &eddy.Policy{Timeout: time.Minute}, `"result":{"type":"echo_ok","echo":"hi"`, "n1 replied after 1 attempt, ", 0},
		{"error reply", callCommand{Dest: "n1", Body: `{"type":"nope"}`}, &eddy.Policy{Timeout: time.Minute}, `"code":10`, "attempt 1: no handler for type nope", 1},
		{"no reply", callCommand{Dest: "n9", Body: `{"type":"echo"}`}, once, "", "nobody had joined cluster test as n9 when 1 message was sent", 2},
		{"no reply, and from whom", callCommand{Dest: "n9", Body: `{"type":"echo"}`}, &eddy.Policy{Attempts: 2, Timeout: 20 * time.Millisecond}, "", "eddy: no reply from n9 within ", 2},
		{"no reply by a relay", callCommand{Dest: "n1", Body: relay("n9")}, &eddy.Policy{Timeout: time.Minute}, `"RPC failed after 3 attempts"`, "", 1},
		{"no body", callCommand{Dest: "n1", Body: `{"x":1}`}, nil, "", "", statusUsage},
		{"many", callCommand{Dest: "n1", Body: relay("n2"), Calls: 300}, &eddy.Policy{Timeout: time.Minute}, "300 with a reply, 0 with an error reply, 0 without a reply", "", 0},
		{"many at a rate", callCommand{Dest: "n1", Body: `{"type":"x"}`, Calls: 20, Rate: 1e6}, &eddy.Policy{Timeout: time.Minute}, "20 times: RPC to n1 failed: no handler for type x", "", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.call.NATS, tt.call.Wait = url, 20*time.Second
			out, errs, status := calling(&tt.call, tt.policy)
			if !strings.Contains(out, tt.stdout) || !strings.Contains(errs, tt.errs) || status != tt.status {
				t.Errorf("status %d\n%s%s\nwant status %d, %q and %q", status, out, errs, tt.status, tt.stdout, tt.errs)
			}
		})
	}
}

// A node that has died is restarted and replies again.
func TestMemberIsRestarted(t *testing.T) {
	t.Parallel()
	url := startUp(t, "node-member", io.Discard)
	for range 3 {
		die := callCommand{natsFlags: natsFlags{NATS: url}, Wait: 20 * time.Second, Dest: "n1", Body: `{"type":"die"}`}
		if out, errs, status := calling(&die, &eddy.Policy{Attempts: 1}); status != statusNoReply {
			t.Fatalf("status %d\n%s%s", status, out, errs)
		}
		echo := callCommand{natsFlags: natsFlags{NATS: url}, Wait: 20 * time.Second, Dest: "n1", Body: `{"type":"echo"}`}
		if out, errs, status := calling(&echo, &eddy.Policy{Attempts: 200, Timeout: 200 * time.Millisecond}); status != 0 {
			t.Fatalf("status %d\n%s%s", status, out, errs)
		}
	}
}

// eddy up ends with the reason if a node dies again and again or cannot be started.
func TestMemberDiesTooOften(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ program, want string }{
		{"node-exit", "n1 has died 2 times in a row: exit status 0"},
		{"no-such-program", "no-such-program is not in PATH"},
	} {
		c := upCommand{NodeCount: 1, memberFlags: memberFlags{Restarts: 1, Grace: time.Second, programFlags: programFlags{Program: tt.program}}, serve: natskv.Serve}
		err := c.up(t.Context(), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.program, err, tt.want)
		}
	}
}

// eddy up ends with the reason if its services fail, before they are ready or later.
func TestServicesFail(t *testing.T) {
	t.Parallel()
	for _, started := range []bool{false, true} {
		out, in := io.Pipe()
		upAndRunning := make(chan struct{})
		go func() {
			defer close(upAndRunning)
			bufio.NewReader(out).ReadString('\n')
			go io.Copy(io.Discard, out)
		}()
		c := upCommand{NodeCount: 1, memberFlags: memberFlags{Grace: 10 * time.Second, programFlags: programFlags{Program: "node-member"}}}
		c.serve = func(_ context.Context, _ natskv.Config, ready func()) error {
			if started {
				ready()
				<-upAndRunning
			}
			return errors.New("no disk")
		}
		err := c.up(t.Context(), in, io.Discard)
		in.Close()
		if err == nil || err.Error() != "the services have ended: no disk" {
			t.Errorf("ready is %v: %v", started, err)
		}
	}
}

// Whatever a peer says, eddy call and eddy up print only characters that a terminal shows
// and does not obey, and a peer's text cannot begin a line.
func TestPeersCannotControlTheTerminal(t *testing.T) {
	t.Parallel()
	var stderr saying
	url := startUp(t, "node-hostile", &stderr)
	check := func(what, text, want string) {
		t.Helper()
		for _, r := range text {
			if r != '\n' && !strconv.IsPrint(r) {
				t.Errorf("%s prints %q in %q", what, r, text)
				break
			}
		}
		if strings.Contains(text, "\nforged") || !strings.Contains(text, want) {
			t.Errorf("%s prints %q, want %q", what, text, want)
		}
	}
	for _, calls := range []int{1, 20} {
		for _, typ := range []string{"ok", "error"} {
			c := callCommand{natsFlags: natsFlags{NATS: url}, Wait: 20 * time.Second, Dest: "n1", Calls: calls, Body: `{"type":"` + typ + `"}`}
			out, errs, status := calling(&c, &eddy.Policy{Timeout: time.Minute})
			switch {
			case typ == "ok" && calls == 1:
				check("a reply", out, `{"type":"ok_ok","text":"\u001b[31mred\u0007\u009b1m\u007f\u202e\nforged"`)
			case typ == "error" && calls == 1:
				check("an error reply", out, `"text":"\u001b[31mred`)
				check("the error", errs, `RPC to n1 failed: \x1b[31mred\a\u009b1m\x7f\u202e\nforged`)
			}
			check("standard output", out, "")
			check("standard error", errs, "")
			if want := map[string]int{"ok": 0, "error": statusErrorReply}[typ]; status != want {
				t.Errorf("status %d, want %d", status, want)
			}
		}
	}
	check("standard error of nodes", stderr.String(), `n1: \x1b[31mred`)
}

func TestNoServer(t *testing.T) {
	t.Parallel()
	c := callCommand{natsFlags: natsFlags{NATS: "nats://127.0.0.1:1"}, Dest: "n1", Body: `{"type":"echo"}`}
	if _, _, status := calling(&c, nil); status != statusNoReply {
		t.Errorf("status %d", status)
	}
}

// Every command has the same default cluster.
func TestClusterDefault(t *testing.T) {
	found := 0
	for _, command := range newParser(&cli{}).Model.Children {
		for _, f := range command.Flags {
			if f.Name != "cluster" {
				continue
			}
			found++
			if f.Default != natsnet.DefaultCluster {
				t.Errorf("%s --cluster is %s by default", command.Name, f.Default)
			}
		}
	}
	if found < 5 {
		t.Errorf("%d commands have --cluster", found)
	}
}

// Each flag of security sets what its name says.
func TestSecurityFlags(t *testing.T) {
	var line cli
	_, err := newParser(&line).Parse(strings.Fields("call --creds a --nkey b --token-file c --tls-ca d --tls-cert e --tls-key f n1 {}"))
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := line.Call.config("c1")
	want := natsnet.Security{Creds: "a", NKey: "b", Token: "c", CA: "d", Cert: "e", Key: "f"}
	if err != nil || cfg.Security != want {
		t.Errorf("%+v, %v", cfg.Security, err)
	}
}

// A reply that cannot be written is an error, and no reply that was printed.
func TestOutputOfCallsIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		net := eddytest.New(t)
		net.Start("c1", n)
		peer := net.Client("n1")
		peer.Handle(func(m eddy.Message) { peer.Reply(m, `{"type":"echo_ok"}`) })
		c := callCommand{Dest: "n1", Body: `{"type":"echo"}`, Calls: 3}
		for what, call := range map[string]func(to io.Writer) error{
			"the reply":   func(to io.Writer) error { return c.one(t.Context(), n, nil, to, io.Discard) },
			"the summary": func(to io.Writer) error { return c.many(t.Context(), n, nil, newStatusLine(os.Stderr), to) },
		} {
			if err := call(io.Discard); err != nil {
				t.Error(err)
			}
			if err := call(fullDisk{}); err == nil || err.Error() != "write "+what+": the disk is full" {
				t.Errorf("%s is lost: %v", what, err)
			}
		}
	})
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

// A low rate, however low, is no high one.
func TestBeginOfCalls(t *testing.T) {
	for _, tt := range []struct {
		i    int
		rate float64
		want time.Duration
	}{
		{0, 1e-300, 0}, {3, 2, 1500 * time.Millisecond}, {1, 1e-300, 876_000 * time.Hour}, {math.MaxInt, 1e-9, 876_000 * time.Hour}, {1, math.Inf(1), 0},
	} {
		if got := beginOf(tt.i, tt.rate); got != tt.want {
			t.Errorf("call %d at a rate of %v begins after %v, want %v", tt.i, tt.rate, got, tt.want)
		}
	}
	if err := (&callCommand{Policy: "default", Calls: 1, Rate: math.NaN()}).Run(); err == nil || !strings.Contains(err.Error(), "--rate must be 0 or more") {
		t.Errorf("a rate that is no number: %v", err)
	}
}

// Calls that were not made because of an interrupt are no success.
func TestInterruptedCalls(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	end()
	var out bytes.Buffer
	err := (&callCommand{Calls: 3, Rate: 1}).many(ctx, nil, nil, newStatusLine(os.Stderr), &out)
	if with, ok := errors.AsType[statusErr](err); !ok || with.status != statusNoReply || !strings.Contains(err.Error(), "3 of 3 calls were not made") {
		t.Errorf("%v\n%s", err, &out)
	}
}

// With --port the server is at this port; with --metrics the metrics of all nodes are served.
func TestUpAtAPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port, address := l.Addr().(*net.TCPAddr).Port, free.Addr().String()
	l.Close()
	free.Close()
	c := upCommand{NodeCount: 3, Cluster: "test", Port: port, Metrics: address, memberFlags: memberFlags{Restarts: 5, Grace: 20 * time.Second, programFlags: programFlags{Program: "node-member"}}}
	if url, want := startUpCommand(t, &c, io.Discard), fmt.Sprintf("nats://127.0.0.1:%d", port); url != want {
		t.Errorf("the server is at %s, want %s", url, want)
	}
	for path, want := range map[string]string{"/healthz": "ok", "/metrics": `node="n3"`} {
		response, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != 200 || !strings.Contains(string(text), want) {
			t.Errorf("%s: %s, %v: %.300s", path, response.Status, err, text)
		}
	}
}

// A directory that exists is not overwritten; the error says what to do.
func TestNATSConfigInADirectoryThatExists(t *testing.T) {
	c := natsConfigCommand{NodeIDs: []string{"n1"}, Cluster: "eddy", Replicas: 1, Store: "data", Out: filepath.Join(t.TempDir(), "cluster")}
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	if err := c.Run(); err == nil || !strings.Contains(err.Error(), "cluster exists already: add --keep to ") {
		t.Errorf("the second time: %v", err)
	}
	c.Keep = true
	if err := c.Run(); err != nil {
		t.Errorf("with --keep: %v", err)
	}
}

package natsnet_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/natsnet"
)

// TestMain makes the test binary a NATS server when it is told so: a server that is
// to be killed must be a process of its own.
func TestMain(m *testing.M) {
	if file := os.Getenv("NATSNET_SERVER"); file != "" {
		serveFrom(file)
		return
	}
	os.Exit(m.Run())
}

func serveFrom(file string) {
	options, err := server.ProcessConfigFile(file)
	if err != nil {
		panic(err)
	}
	options.NoLog, options.NoSigs = true, true
	s, err := server.NewServer(options)
	if err != nil {
		panic(err)
	}
	s.Start()
	parent := make(chan os.Signal, 1)
	signal.Notify(parent, os.Interrupt)
	// Whoever started us holds our input open; when it ends, so do we.
	go func() { os.Stdin.Read(make([]byte, 1)); parent <- os.Interrupt }()
	<-parent
	s.Shutdown()
}

// servers are three NATS servers that know each other.
type servers struct {
	t     *testing.T
	files []string
	urls  []string

	mu    sync.Mutex
	procs []*exec.Cmd
}

func startServers(t *testing.T) *servers {
	s := &servers{t: t, procs: make([]*exec.Cmd, 3)}
	ports := freePorts(t, 6)
	dir := t.TempDir()
	for i := range 3 {
		var routes []string
		for j := range 3 {
			if j != i {
				routes = append(routes, fmt.Sprintf("%q", fmt.Sprintf("nats://127.0.0.1:%d", ports[3+j])))
			}
		}
		text := fmt.Sprintf("server_name: s%d\nhost: 127.0.0.1\nport: %d\ncluster { name: c, host: 127.0.0.1, port: %d, routes: [%s] }\n",
			i, ports[i], ports[3+i], strings.Join(routes, ", "))
		file := filepath.Join(dir, fmt.Sprintf("s%d.conf", i))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s.files = append(s.files, file)
		s.urls = append(s.urls, fmt.Sprintf("nats://127.0.0.1:%d", ports[i]))
	}
	for i := range 3 {
		s.start(i)
	}
	t.Cleanup(func() {
		for i := range 3 {
			s.kill(i)
		}
	})
	return s
}

// freePorts are ports that were free a moment ago.
func freePorts(t *testing.T, count int) (ports []int) {
	for range count {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

func (s *servers) start(i int) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "NATSNET_SERVER="+s.files[i])
	if _, err := cmd.StdinPipe(); err != nil {
		s.t.Error(err)
		return
	}
	if err := cmd.Start(); err != nil {
		s.t.Error(err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.procs[i] = cmd
}

func (s *servers) kill(i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cmd := s.procs[i]; cmd != nil {
		cmd.Process.Kill()
		cmd.Wait()
		s.procs[i] = nil
	}
}

// relayNode relays with more attempts than the default's, since servers are killed.
func relayNode() *eddy.Node {
	n := echo()
	n.Handle("relay", func(ctx context.Context, req *eddy.Request) (any, error) {
		to, _ := req.Body.Get("target").Text()
		reply, attempts, err := n.RPCWithRetry(ctx, to, req.Body.Get("payload"), &eddy.Policy{Attempts: 6, Timeout: 150 * time.Millisecond})
		if err != nil {
			return nil, err
		}
		return eddy.Raw(fmt.Sprintf(`{"attempts":%d,"result":%s}`, attempts, reply.Body)), nil
	})
	return n
}

// While three of ten messages of every node are lost, and a server is killed and
// comes back again and again, each relay is answered once at most, and with its own
// answer or a failure.
func TestRelaysWhileServersDie(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of real time")
	}
	s := startServers(t)
	all := strings.Join(s.urls, ",")
	for _, name := range []string{"n1", "n2", "n3"} {
		c := join(t, all, name, relayNode())
		c.LoseSome(func() bool { return rand.IntN(10) < 3 })
	}
	client := dial(t, natsnet.Config{Servers: all, Node: "c1"})
	joined(t, client)

	var mu sync.Mutex
	replies := make(map[int64]int)
	var answered, failed atomic.Int64
	var reading sync.WaitGroup
	reading.Go(func() {
		decoder := json.NewDecoder(client)
		for {
			var m struct {
				Body struct {
					Type      string
					InReplyTo int64 `json:"in_reply_to"`
					Result    struct{ I int64 }
				}
			}
			if decoder.Decode(&m) != nil {
				return
			}
			mu.Lock()
			replies[m.Body.InReplyTo]++
			mu.Unlock()
			switch {
			case m.Body.Type == "error":
				failed.Add(1)
			case m.Body.Result.I != m.Body.InReplyTo:
				t.Errorf("relay %d got the answer to %d", m.Body.InReplyTo, m.Body.Result.I)
			default:
				answered.Add(1)
			}
		}
	})

	const relays, kills = 3000, 4
	killing := make(chan struct{})
	go func() {
		defer close(killing)
		for k := range kills {
			time.Sleep(500 * time.Millisecond)
			s.kill(k % 3)
			time.Sleep(250 * time.Millisecond)
			s.start(k % 3)
		}
	}()
	for i := range relays {
		at, to := i%3+1, (i+1)%3+1
		line := fmt.Sprintf(`{"src":"c1","dest":"n%d","body":{"type":"relay","msg_id":%d,"target":"n%d","payload":{"type":"echo","i":%d}}}`+"\n", at, i, to, i)
		if _, err := client.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	<-killing
	time.Sleep(2 * time.Second) // the longest that a relay may take, and some
	client.Close()
	reading.Wait()
	for i, n := range replies {
		if n != 1 {
			t.Errorf("relay %d got %d replies", i, n)
		}
	}
	t.Logf("%d relays: %d answered, %d failed; client %+v", relays, answered.Load(), failed.Load(), client.Counts())
	if got := answered.Load(); got < relays/3 {
		t.Errorf("only %d of %d relays were answered", got, relays)
	}
}

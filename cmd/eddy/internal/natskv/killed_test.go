package natskv

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/natsprocess"
	"github.com/eddyrpc/eddy/natsnet"
)

var operations = flag.Int("operations", 600, "how many answered operations TestLinKVWhileServersDie waits for")

// TestMain makes the test binary a NATS server, or the services, when it is told so.
func TestMain(m *testing.M) {
	natsprocess.Main()
	if servers := os.Getenv("NATSKV_SERVICES"); servers != "" {
		ctx, end := context.WithCancel(context.Background())
		go func() { io.Copy(io.Discard, os.Stdin); end() }()
		cfg := Config{Net: natsnet.Config{Servers: servers}, Replicas: 3, Wait: time.Minute, Log: slog.New(slog.DiscardHandler)}
		if err := Serve(ctx, cfg, func() { fmt.Println("ready") }); err != nil {
			fmt.Fprintln(os.Stderr, "services:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// startServices starts the services as a process; kill kills it, and returns when it
// is dead. It does not wait for them.
func startServices(t *testing.T, servers string) (kill func()) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "NATSKV_SERVICES="+servers)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		t.Error(err)
	}
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return func() {}
	}
	return func() { cmd.Process.Kill(); cmd.Wait() }
}

// A lossy transport loses three of ten lines, either way.
type lossy struct {
	*natsnet.Conn
	lines *io.PipeReader
}

func newLossy(c *natsnet.Conn) *lossy {
	read, write := io.Pipe()
	go func() {
		lines := bufio.NewReader(c)
		for first := true; ; first = false { // the first is init, which does not travel
			line, err := lines.ReadBytes('\n')
			if err != nil {
				write.CloseWithError(err)
				return
			}
			if first || rand.IntN(10) >= 3 {
				write.Write(line)
			}
		}
	}()
	return &lossy{c, read}
}

func (l *lossy) Read(p []byte) (int, error) { return l.lines.Read(p) }

func (l *lossy) Write(lines []byte) (int, error) {
	var kept []byte
	for line := range strings.Lines(string(lines)) {
		if strings.Contains(line, `"init_ok"`) || rand.IntN(10) >= 3 {
			kept = append(kept, line...)
		}
	}
	if _, err := l.Conn.Write(kept); err != nil {
		return 0, err
	}
	return len(lines), nil
}

// A group is some clients that use one key after the other: the search for an order
// stays short.
type group struct {
	name     string
	answered *atomic.Int64 // of all groups

	mu      sync.Mutex
	history []porcupine.Operation // of all keys
	key     int                   // the one in use
	begun   int                   // operations on it
	open    int                   // of these, how many are indefinite
	value   int                   // every write has its own
}

const (
	groups       = 12
	clientsOfOne = 4
	opsOfKey     = 32
	openOfKey    = 8   // more make the search for an order long
	betweenWaves = 200 // answered operations
)

// A keyedOp is an operation on one of a group's keys.
type keyedOp struct {
	key string
	registerOp
}

// next is what a client does now. last is the value that it saw last.
func (g *group) next(random *rand.Rand, last int) keyedOp {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.begun == opsOfKey || g.open >= openOfKey {
		g.key, g.begun, g.open = g.key+1, 0, 0
	}
	g.begun++
	g.value++
	typ := []string{"read", "read", "write", "cas"}[random.IntN(4)]
	return keyedOp{fmt.Sprintf("%s-%d", g.name, g.key), registerOp{typ, last, g.value}}
}

func (op keyedOp) body() string {
	switch op.typ {
	case "read":
		return fmt.Sprintf(`{"type":"read","key":%q}`, op.key)
	case "write":
		return fmt.Sprintf(`{"type":"write","key":%q,"value":%d}`, op.key, op.to)
	}
	return fmt.Sprintf(`{"type":"cas","key":%q,"from":%d,"to":%d}`, op.key, op.from, op.to)
}

// indefinite is the output of an operation that may have taken effect, or may yet.
const indefinite = "indefinite"

// run makes operations until all groups together have answers enough.
func (g *group) run(n *eddy.Node, client int, begun time.Time) {
	random := rand.New(rand.NewPCG(rand.Uint64(), 0))
	policy := &eddy.Policy{Attempts: 1, Timeout: 700 * time.Millisecond}
	for last := 0; g.answered.Load() < int64(*operations); {
		op := g.next(random, last)
		call := time.Since(begun)
		reply, _, err := n.RPCWithRetry(context.Background(), "lin-kv", eddy.Raw(op.body()), policy)
		back := time.Since(begun)
		got := fmt.Sprintf("%s %s", reply.Type, reply.Body.Get("value"))
		code, _ := reply.Body.Get("code").Int()
		switch {
		case err == nil:
			if v, ok := reply.Body.Get("value").Int(); ok {
				last = int(v)
			}
		case code == int64(eddy.KeyDoesNotExist), code == int64(eddy.PreconditionFailed):
			got = err.Error()
		case op.typ == "read":
			continue // nobody has seen it
		default:
			got, back = indefinite, math.MaxInt64
		}
		if got != indefinite {
			g.answered.Add(1)
		}
		g.mu.Lock()
		if got == indefinite {
			g.open++
		}
		g.history = append(g.history, porcupine.Operation{ClientId: client, Input: op, Output: got, Call: int64(call), Return: int64(back)})
		g.mu.Unlock()
	}
}

// registers are the keys of a group, each a register.
func registers() porcupine.Model {
	m := register
	m.Partition = func(history []porcupine.Operation) (parts [][]porcupine.Operation) {
		keys := make(map[string]int)
		for _, op := range history {
			key := op.Input.(keyedOp).key
			at, ok := keys[key]
			if !ok {
				at = len(parts)
				keys[key] = at
				parts = append(parts, nil)
			}
			parts[at] = append(parts[at], op)
		}
		return parts
	}
	m.Step = func(state, input, output any) (bool, any) {
		op := input.(keyedOp).registerOp
		if output == indefinite { // if it never takes effect, that is as if it did after all else
			if op.typ == "cas" && state.(int) != op.from {
				return true, state
			}
			return true, op.to
		}
		return register.Step(state, op, output)
	}
	return m
}

// lin-kv stays linearizable while three of ten messages of its clients are lost, a
// server is killed and comes back every two seconds, one after the other, and the
// services too: in waves, since JetStream needs longer than that for an election.
func TestLinKVWhileServersDie(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of real time")
	}
	s, err := natsprocess.Start(natsprocess.Config{Dir: t.TempDir(), Count: 3, JetStream: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	kill := startServices(t, s.URLs())
	defer func() { kill() }()
	conn, err := natsnet.Dial(natsnet.Config{Servers: s.URLs(), Node: "c1", Nodes: []string{"c1"}})
	if err != nil {
		t.Fatal(err)
	}
	n := serveClient(t, newLossy(conn))
	if _, _, err := n.RPCWithRetry(t.Context(), "lin-kv", eddy.Raw(`{"type":"write","key":0,"value":0}`), &eddy.Policy{Attempts: 100}); err != nil {
		t.Fatal(err)
	}

	begun := time.Now()
	var answered atomic.Int64
	done, killed := make(chan struct{}), make(chan int)
	go func() {
		deaths := 0
		for ; ; deaths += 3 {
			for i := range 3 {
				time.Sleep(1700 * time.Millisecond)
				s.Kill(i)
				if i == 1 {
					kill()
					kill = startServices(t, s.URLs())
				}
				time.Sleep(300 * time.Millisecond)
				if err := s.Start(i); err != nil {
					t.Error(err)
				}
			}
			// Replicas elect a leader after 4 to 9 s without one.
			for want := answered.Load() + betweenWaves; answered.Load() < want; time.Sleep(10 * time.Millisecond) {
				select {
				case <-done:
					killed <- deaths + 3
					return
				default:
				}
			}
		}
	}()
	var all []*group
	var clients sync.WaitGroup
	for i := range groups {
		g := &group{name: fmt.Sprint("g", i), answered: &answered}
		all = append(all, g)
		for id := range clientsOfOne {
			clients.Go(func() { g.run(n, id, begun) })
		}
	}
	clients.Wait()
	close(done)
	deaths := <-killed
	made, without := 0, 0
	for _, g := range all {
		made += len(g.history)
		for _, op := range g.history {
			if op.Output == indefinite {
				without++
			}
		}
		if got := porcupine.CheckOperationsTimeout(registers(), g.history, time.Minute); got != porcupine.Ok {
			t.Errorf("%s is linearizable: %s", g.name, got)
		}
	}
	t.Logf("%d operations, %d of them indefinite; %d deaths of servers", made, without, deaths)
}

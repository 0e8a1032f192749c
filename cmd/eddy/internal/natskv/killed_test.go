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
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/internal/natsprocess"
	"github.com/eddyrpc/eddy/natsnet"
)

var operations = flag.Int("operations", longtest.Or(600, 150), "how many answered operations TestLinKVWhileServersDie waits for")

// TestMain makes the test binary a NATS server or the services if the environment says
// so.
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
	flag.Set("test.parallel", "8") // most tests wait; a flag on the command line takes precedence
	os.Exit(m.Run())
}

// startServices starts the services in a process and does not wait until they are ready.
// kill kills the process and returns when it is dead.
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

// A lossy transport loses three of ten lines in each direction.
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

// A group is some clients that use one key after the other, so that each key has a short
// history: the checker's time grows fast with the length.
type group struct {
	name     string
	answered *atomic.Int64 // of all groups

	mu      sync.Mutex
	history []porcupine.Operation // of all keys
	key     int                   // the one in use
	begun   int                   // operations on this key
	open    int                   // how many of them are indefinite
	value   int                   // the last one written; each write has another
}

const (
	groups       = 12
	clientsOfOne = 4
	opsOfKey     = 32
	openOfKey    = 8 // with more the checker takes long
)

// Servers are killed in waves, since JetStream takes longer to elect a leader than the
// time between two kills.
var (
	killsOfWave  = longtest.Or(3, 1)
	betweenWaves = longtest.Or[int64](200, 50) // operations that are replied to
)

// A keyedOp is an operation on one of a group's keys.
type keyedOp struct {
	key string
	registerOp
}

// next returns a client's next operation. last is the value that it saw last.
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

// indefinite is the output of an operation that may have taken effect or may still do so.
const indefinite = "indefinite"

// run makes operations until all groups together got enough replies.
func (g *group) run(n *eddy.Node, client int, begun time.Time) {
	random := rand.New(rand.NewPCG(rand.Uint64(), 0))
	policy := &eddy.Policy{Attempts: 1, Timeout: 700 * time.Millisecond}
	for last := 0; g.answered.Load() < int64(*operations); {
		op := g.next(random, last)
		call := time.Since(begun)
		reply, _, err := n.RPCWithRetry(context.Background(), "lin-kv", eddy.Raw(op.body()), policy)
		back := time.Since(begun)
		got := fmt.Sprintf("%s %s", reply.Type(), reply.Body.Get("value"))
		code, _ := reply.Body.Get("code").Int()
		switch {
		case err == nil:
			if v, ok := reply.Body.Get("value").Int(); ok {
				last = int(v)
			}
		case code == int64(eddy.KeyDoesNotExist), code == int64(eddy.PreconditionFailed):
			got = err.Error()
		case op.typ == "read":
			continue // it has no effect
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

// registers models the keys of a group, each as a register.
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
		if output == indefinite { // if it never takes effect, it can be ordered after all others
			if op.typ == "cas" && state.(int) != op.from {
				return true, state
			}
			return true, op.to
		}
		return register.Step(state, op, output)
	}
	return m
}

// killServers kills and restarts servers, and the services in every third case, until
// done is closed. It returns how many servers it has killed.
func killServers(t *testing.T, s *natsprocess.Servers, killServices *func(), answered *atomic.Int64, done chan struct{}) (deaths int) {
	for next := 0; ; {
		for range killsOfWave {
			time.Sleep(1700 * time.Millisecond)
			if !longtest.On && next == leader(t, s) {
				next = (next + 1) % 3 // the election of another leader takes up to 9 s
			}
			s.Kill(next)
			if longtest.On && deaths%3 == 0 {
				(*killServices)()
				*killServices = startServices(t, s.URLs())
			}
			time.Sleep(300 * time.Millisecond)
			if err := s.Start(next); err != nil {
				t.Error(err)
			}
			deaths++
			next = (next + 1) % 3
		}
		for want := answered.Load() + betweenWaves; answered.Load() < want; time.Sleep(10 * time.Millisecond) {
			select {
			case <-done:
				return deaths
			default:
			}
		}
	}
}

// leader returns which server leads the replicas of lin-kv.
func leader(t *testing.T, s *natsprocess.Servers) (server int) {
	nc, err := nats.Connect(s.URLs())
	if err != nil {
		t.Error(err)
		return 0
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Error(err)
		return 0
	}
	stream, err := js.Stream(t.Context(), "KV_"+Bucket(natsnet.DefaultCluster, "lin-kv"))
	if err != nil {
		t.Error(err)
		return 0
	}
	fmt.Sscanf(stream.CachedInfo().Cluster.Leader, "s%d", &server)
	return server
}

// lin-kv stays linearizable while three of ten messages of its clients are lost and
// servers and the services are killed and restarted.
func TestLinKVWhileServersDie(t *testing.T) {
	t.Parallel()
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
	go func() { killed <- killServers(t, s, &kill, &answered, done) }()
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
	made, unknown := 0, 0
	for _, g := range all {
		made += len(g.history)
		for _, op := range g.history {
			if op.Output == indefinite {
				unknown++
			}
		}
		if got := porcupine.CheckOperationsTimeout(registers(), g.history, time.Minute); got != porcupine.Ok {
			t.Errorf("%s is linearizable: %s", g.name, got)
		}
	}
	t.Logf("%d operations, %d of them indefinite; %d deaths of servers", made, unknown, deaths)
}

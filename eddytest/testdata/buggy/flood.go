package buggy

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// A flood is a node of workload broadcast. It saves each value in a file before it replies,
// and sends it to all other nodes until they have saved it too. A node that starts again
// sends those that it has from clients.
type flood struct {
	eddy.Node
	path   string
	random uint64

	attempts   int                  // of a message to another node
	saveBehind bool                 // values are saved every 50 ms, after the reply
	key        func(int64) int64    // values with the same key are taken for the same
	byMsgID    bool                 // messages with the same src and msg_id are taken for the same
	compact    func(f *flood) error // rewrites the file, once a second

	mu      sync.Mutex // guards what follows
	values  []entry
	known   map[int64]bool // by key
	saved   int            // how many of values are in the file
	message map[string]bool
}

// An entry is a value, and a line of the file.
type entry struct {
	value int64
	own   bool // a client has sent it to this node, which sends it to the others
}

func newFlood(p *eddytest.Process) *flood {
	f := &flood{
		path: filepath.Join(p.Dir(), "values"), random: p.Number(), attempts: math.MaxInt,
		key: func(value int64) int64 { return value }, known: map[int64]bool{}, message: map[string]bool{},
	}
	f.OnInit(f.load)
	f.Handle("topology", func(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{}`), nil })
	f.Handle("broadcast", f.broadcast)
	f.Handle("value", f.value)
	f.Handle("read", func(context.Context, *eddy.Request) (any, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		values := []int64{}
		for _, e := range f.values {
			values = append(values, e.value)
		}
		return map[string]any{"messages": values}, nil
	})
	f.Every(50*time.Millisecond, func(context.Context) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.save()
	})
	return f
}

// load reads the file and sends what is in it.
func (f *flood) load(context.Context) error {
	file, err := os.OpenFile(f.path, os.O_RDONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var e entry
		if _, err := fmt.Sscan(lines.Text(), &e.value, &e.own); err != nil {
			return err
		}
		f.values, f.known[f.key(e.value)] = append(f.values, e), true
		if e.own {
			f.send(e.value)
		}
	}
	f.saved = len(f.values)
	if f.compact != nil {
		f.Every(time.Second, func(context.Context) { f.compact(f) })
	}
	return nil
}

// save appends what is not saved yet to the file. The caller holds mu.
func (f *flood) save() error {
	if f.saved == len(f.values) {
		return nil
	}
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	for _, e := range f.values[f.saved:] {
		fmt.Fprintln(file, e.value, e.own)
	}
	f.saved = len(f.values)
	return file.Close()
}

// add adds a value and reports whether it is new.
func (f *flood) add(value int64, own bool) (isNew bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known[f.key(value)] {
		return false, nil
	}
	f.values, f.known[f.key(value)] = append(f.values, entry{value, own}), true
	if !f.saveBehind {
		err = f.save()
	}
	return true, err
}

// send sends a value to all other nodes.
func (f *flood) send(value int64) {
	policy := &eddy.Policy{Attempts: f.attempts, RetryOn: []int{int(eddy.TemporarilyUnavailable), int(eddy.Timeout)}}
	for _, id := range others(&f.Node) {
		f.Call(context.Background(), id, map[string]any{"type": "value", "value": value}, policy, func(eddy.Result) {})
	}
}

// broadcast serves a value from a client.
func (f *flood) broadcast(_ context.Context, req *eddy.Request) (any, error) {
	value, _ := req.Body.Get("message").Int()
	isNew, err := f.add(value, true)
	if isNew {
		f.send(value)
	}
	return eddy.Raw(`{}`), err
}

// value serves a value from another node.
func (f *flood) value(_ context.Context, req *eddy.Request) (any, error) {
	value, _ := req.Body.Get("value").Int()
	if f.byMsgID {
		f.mu.Lock()
		message := fmt.Sprint(req.Src, req.ID)
		again := f.message[message]
		f.message[message] = true
		f.mu.Unlock()
		if again {
			return eddy.Raw(`{}`), nil
		}
	}
	_, err := f.add(value, false)
	return eddy.Raw(`{}`), err
}

// flooding returns the program of a flood. change gives it a bug.
func flooding(change func(*flood)) Program {
	return func(p *eddytest.Process) error {
		f := newFlood(p)
		change(f)
		return serve(&f.Node, p)
	}
}

func unchanged(*flood) {}

var writeBehind = Bug{
	Name:  "write behind",
	What:  "replies before the value is saved: it is lost at this node if the node is killed within 50 ms",
	Buggy: flooding(func(f *flood) { f.saveBehind = true }), Healthy: flooding(unchanged),
	Test:   eddytest.Test{Workload: "broadcast", Nodes: 3, Rate: 4, Time: 8 * time.Second, Loss: 0.02, Nemesis: "kill", NemesisInterval: time.Second},
	Checks: []string{"lost"},
}

var givesUp = Bug{
	Name:  "gives up",
	What:  "sends a value 8 times and then forgets it: it is lost if a partition is as long as 4 s",
	Buggy: flooding(func(f *flood) { f.attempts = 8 }), Healthy: flooding(unchanged),
	Test:   eddytest.Test{Workload: "broadcast", Nodes: 3, Rate: 3, Time: 15 * time.Second, Nemesis: "partition", NemesisInterval: 3300 * time.Millisecond},
	Checks: []string{"lost"},
}

var hashCollision = Bug{
	Name: "hash collision",
	What: "takes two values for the same if their hashes of 16 bits are equal; each node has a hash function of its own",
	Buggy: flooding(func(f *flood) {
		f.key = func(value int64) int64 { return int64(rand.NewPCG(f.random, uint64(value)).Uint64() >> 48) }
	}), Healthy: flooding(unchanged),
	Test:   eddytest.Test{Workload: "broadcast", Nodes: 3, Rate: 20, Time: 5 * time.Second, Duplicate: 0.1},
	Checks: []string{"lost"},
}

var reusedMsgID = Bug{
	Name: "reused msg_id",
	What: "recognizes a duplicate by src and msg_id: after the sender was killed, its msg_ids begin again at 0, " +
		"and what it then sends first is taken for a duplicate",
	Buggy: flooding(func(f *flood) { f.byMsgID = true }), Healthy: flooding(unchanged),
	Test:   eddytest.Test{Workload: "broadcast", Nodes: 3, Rate: 5, Time: 8 * time.Second, Duplicate: 0.1, Nemesis: "kill", NemesisInterval: 4 * time.Second},
	Checks: []string{"lost"},
}

// rewrite writes all values to a file, a few at a time so that the disk stays free for others.
func (f *flood) rewrite(path string) error {
	f.mu.Lock()
	values := slices.Clone(f.values)
	f.mu.Unlock()
	slices.SortFunc(values, func(a, b entry) int { return cmp.Compare(a.value, b.value) })
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	for i, e := range values {
		if i%32 == 31 {
			time.Sleep(10 * time.Millisecond)
		}
		fmt.Fprintln(file, e.value, e.own)
	}
	return nil
}

var compaction = Bug{
	Name:  "compaction",
	What:  "rewrites its file in place: if the node is killed meanwhile, the rest of the file is missing",
	Buggy: flooding(func(f *flood) { f.compact = func(f *flood) error { return f.rewrite(f.path) } }),
	Healthy: flooding(func(f *flood) {
		f.compact = func(f *flood) error {
			f.mu.Lock()
			before := len(f.values)
			f.mu.Unlock()
			if err := f.rewrite(f.path + ".new"); err != nil {
				return err
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			f.saved = before // what was added since may be in the file twice
			if err := os.Rename(f.path+".new", f.path); err != nil {
				return err
			}
			return f.save()
		}
	}),
	Test:   eddytest.Test{Workload: "broadcast", Nodes: 3, Rate: 15, Time: 6 * time.Second, Nemesis: "kill", NemesisInterval: time.Second},
	Checks: []string{"lost"},
}

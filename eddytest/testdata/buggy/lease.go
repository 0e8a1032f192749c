package buggy

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// A locked is a value that a mutex guards.
type locked[T any] struct {
	mu    sync.Mutex
	value T
}

func (l *locked[T]) do(f func(*T)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.value)
}

// A state is what leaders keep in lin-kv, all in one value.
type state struct {
	Owner  string              `json:"owner"` // who is the leader
	Until  time.Time           `json:"until"` // when its lease ends
	Values map[string]eddy.Raw `json:"values"`
}

const leaseTime = time.Second / 2

// A leader is a node of workload lin-kv. One node at a time has the lease. It has a copy of the
// state and serves reads from it. It changes the state by compare-and-set. The other
// nodes call the leader.
type leader struct {
	eddy.Node
	kv     *eddy.KV[state]
	looks  bool          // whether it looks at the end of its lease before it serves a read
	change chan struct{} // has a place for the one who changes the state
	copy   locked[*state]
	owner  locked[string] // of the lease, as far as the node knows
}

// current returns the copy of the state, nil if the node is not the leader.
func (l *leader) current() (s *state) {
	l.copy.do(func(copy **state) { s = *copy })
	return s
}

// replace changes the state in lin-kv and the copy.
func (l *leader) replace(ctx context.Context, old, new *state) error {
	new.Owner, new.Until = l.ID(), time.Now().Add(leaseTime)
	err := l.kv.CompareAndSwap(ctx, "state", *old, *new, true)
	if err != nil {
		new = nil // it has to read the state again
	}
	l.copy.do(func(copy **state) { *copy = new })
	return err
}

// renew renews the lease, or takes it if it has ended.
func (l *leader) renew(ctx context.Context) {
	l.change <- struct{}{}
	defer func() { <-l.change }()
	if s := l.current(); s != nil && time.Until(s.Until) > leaseTime/2 {
		return
	}
	s, err := l.kv.ReadOr(ctx, "state", state{})
	if err == nil && (s.Owner == l.ID() || time.Now().After(s.Until)) {
		l.replace(ctx, &s, &state{Values: maps.Clone(s.Values)})
		return
	}
	l.copy.do(func(copy **state) { *copy = nil })
	l.owner.do(func(owner *string) { *owner = s.Owner })
}

// forward calls the leader if it is another node.
func (l *leader) forward(serve eddy.Handler) eddy.Handler {
	return func(ctx context.Context, req *eddy.Request) (any, error) {
		var owner string
		l.owner.do(func(o *string) { owner = *o })
		if l.current() != nil || owner == "" || owner == l.ID() || slices.Contains(l.IDs(), req.Src) {
			return serve(ctx, req)
		}
		reply, _, err := l.RPCWithRetry(ctx, owner, req.Body, once)
		return reply.Body, err
	}
}

// read serves a read from the copy.
func (l *leader) read(_ context.Context, req *eddy.Request) (any, error) {
	s := l.current()
	if s == nil || l.looks && time.Now().After(s.Until) {
		return nil, eddy.TemporarilyUnavailable
	}
	value, exists := s.Values[string(req.Body.Get("key"))]
	if !exists {
		return nil, eddy.KeyDoesNotExist
	}
	return map[string]any{"value": value}, nil
}

// write serves a write or a cas.
func (l *leader) write(ctx context.Context, req *eddy.Request) (any, error) {
	var b keyed
	if err := req.Decode(&b); err != nil {
		return nil, err
	}
	l.change <- struct{}{}
	defer func() { <-l.change }()
	s := l.current()
	if s == nil {
		return nil, eddy.TemporarilyUnavailable
	}
	next := &state{Values: maps.Clone(s.Values)}
	if next.Values == nil {
		next.Values = map[string]eddy.Raw{}
	}
	value, exists := s.Values[string(b.Key)]
	isCAS := req.Type() == "cas"
	switch {
	case isCAS && l.looks && time.Now().After(s.Until):
		return nil, eddy.TemporarilyUnavailable
	case isCAS && !exists:
		return nil, eddy.KeyDoesNotExist
	case isCAS && string(value) != string(b.From):
		return nil, eddy.PreconditionFailed
	case isCAS:
		next.Values[string(b.Key)] = b.To
	default:
		next.Values[string(b.Key)] = b.Value
	}
	err := l.replace(ctx, s, next)
	if err != nil && !errors.Is(err, eddy.ErrIndefinite) {
		err = eddy.TemporarilyUnavailable
	}
	return eddy.Raw(`{}`), err
}

func leaders(looks bool) Program {
	return func(p *eddytest.Process) error {
		l := &leader{looks: looks, change: make(chan struct{}, 1)}
		l.kv = eddy.LinKV[state](&l.Node)
		l.EveryAbout(100*time.Millisecond, 0.5, l.renew)
		l.Handle("read", l.forward(l.read))
		l.Handle("write", l.forward(l.write))
		l.Handle("cas", l.forward(l.write))
		return serve(&l.Node, p)
	}
}

var lease = Bug{
	Name:  "lease",
	What:  "serves a read without looking at the end of its lease: after a pause, or while its renewal is lost, another node may be the leader",
	Buggy: leaders(false), Healthy: leaders(true),
	Test: eddytest.Test{Workload: "lin-kv", Nodes: 3, Rate: 40, Time: 8 * time.Second, Latency: "exponential:5ms",
		Nemesis: "pause", NemesisInterval: time.Second},
	Checks: []string{"not-linearizable"},
}

package eddy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/retry"
)

// Update changes the value of a key to what f makes of it, as one step: it reads, asks
// f, and swaps the value that it has read for f's, unless somebody was faster; then it
// pauses and begins anew (Races). It returns the value that the key then has.
//
// f gets the value that was read, or the zero value and false if the key is not there.
// It may run several times, so it must do nothing but compute. An error of f ends
// Update and is returned as it is. If f leaves the value as it was, nothing is sent.
// On seq-kv both hold only of a value that is fresh; what was read first may be old.
//
// Without an error the change was made once. With one it was not, unless errors.Is
// finds [ErrIndefinite]: then Update has sent a swap and does not know what became of
// it. It does not try again then, since no second message could tell:
//
//	n1: cas x 3 -> 4    silence; the message is slow
//	n1: cas x 3 -> 4    cas_ok
//	n2: cas x 4 -> 3    cas_ok
//	                    n1's slow message arrives, and x is 4: one Update, two effects
//
// Nor could a read: a 4 may be another node's, and a 3 become 4 a moment later. That is
// why each swap is sent once, whatever Changes says, and why precondition-failed is a
// lost race only if no silence came before.
//
// All this is said of a network that doesn't duplicate, as Maelstrom's, NATS and TCP
// don't. On one that does, the copies of one swap may get cas_ok, which is lost, and
// precondition-failed, which is not, and nothing that a service says tells this from a
// lost race; and a copy that comes late can change a value that has come back. There,
// let f leave in the value an id of what it does, and return a value that has it as it
// is; and set Again. Then one Update has one effect whatever the network does, and if it
// fails after a first swap, errors.Is finds ErrIndefinite. (Again is also for f like that
// where nothing is duplicated: Update then goes on after silence.)
//
// On lww-kv two swaps may both win and one is forgotten, so the error is NotSupported.
func (kv *KV[T]) Update(ctx context.Context, key any, f func(old T, exists bool) (T, error)) (T, error) {
	var none T
	if kv.service == lwwKV {
		return none, kv.failed("update", key, Errorf(NotSupported, "lww-kv would forget updates"))
	}
	if p := kv.Races; p != nil && p.Deadline > 0 {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, p.Deadline)
		defer end()
	}
	races, err := newRaces(ctx, kv.Races, kv.Again, &kv.node.life)
	if err != nil {
		return none, kv.failed("update", key, err)
	}
	value, err := kv.race(ctx, key, f, races)
	if err != nil && races.unsure && !errors.Is(err, ErrIndefinite) {
		err = fmt.Errorf("%w; %w", err, ErrIndefinite) // of an earlier swap
	}
	return value, err
}

func (kv *KV[T]) race(ctx context.Context, key any, f func(T, bool) (T, error), races *races) (T, error) {
	var none T
	fresh := kv.service == linKV
	for {
		round, err := kv.look(ctx, key, fresh)
		if err != nil {
			return none, kv.failed("update", key, err)
		}
		value, changed, err := round.ask(f)
		switch {
		case (err != nil || !changed) && !fresh:
			fresh = true
			continue
		case err != nil:
			return none, err
		case !changed:
			return value, nil
		}
		err = kv.change(ctx, &round.swap, key, kv.swaps())
		if err == nil {
			return value, nil
		}
		if err = races.lost(ctx, err); err != nil {
			return none, kv.failed("update", key, err)
		}
		fresh = true
	}
}

// A round is one attempt of an Update to change a value.
type round[T any] struct {
	old    T
	exists bool
	swap   kvRequest
}

// look begins a round with what a key has.
func (kv *KV[T]) look(ctx context.Context, key any, fresh bool) (*round[T], error) {
	old, raw, err := kv.read(ctx, key, fresh)
	r := &round[T]{old, true, kvRequest{Type: "cas", From: raw}} // as it came, for a T may not hold all of it
	if errors.Is(err, KeyDoesNotExist) {
		// With create_if_not_exists the swap is made also if the value is From. That
		// must not be what somebody else may write meanwhile, the least what we write.
		r.exists, r.swap.Create, r.swap.From, err = false, true, kv.node.life.unique(), nil
	}
	return r, err
}

// ask asks f for the new value. It reports false if that is the old one.
func (r *round[T]) ask(f func(T, bool) (T, error)) (value T, changed bool, err error) {
	before, err := encode(r.old) // before f, which may write into a map or slice
	if err != nil {
		return value, false, err
	}
	if value, err = f(r.old, r.exists); err != nil {
		return value, false, err
	}
	r.swap.To, err = encode(value)
	return value, !r.exists || string(r.swap.To) != string(before), err
}

// swaps is the policy of a swap in Update: a single attempt.
func (kv *KV[T]) swaps() *Policy {
	if kv.Changes == nil {
		return sentOnce
	}
	p := *kv.Changes
	p.Attempts, p.Hedge, p.RetryOn = 1, 0, nil
	return &p
}

// lostRaces are the codes of a swap that was not made, but may be another time.
var lostRaces = []int{
	int(KeyDoesNotExist), int(KeyAlreadyExists), int(PreconditionFailed),
	int(TemporarilyUnavailable), int(Abort), int(TxnConflict),
}

// defaultRaces let each of 50 nodes that want one key at the same time have it, though
// every message takes 100 ms (TestUpdatesInContention).
var defaultRaces = &Policy{
	Attempts: 50,
	Backoff:  retry.Backoff{Kind: retry.Exponential, Base: 10 * time.Millisecond, Cap: 2 * time.Second, Jitter: retry.FullJitter},
}

// races are those of one Update: a schedule whose attempts they are.
type races struct {
	again    bool // after silence too
	unsure   bool // one that was lost may have been won
	schedule schedule.Schedule
	begun    time.Time
}

func newRaces(ctx context.Context, p *Policy, again bool, l *life) (*races, error) {
	if p == nil {
		p = defaultRaces
	}
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("races: %w", err)
	}
	policy := &Policy{Attempts: p.Attempts, Backoff: p.Backoff, RetryOn: lostRaces}
	r := &races{again: again, begun: time.Now()}
	start := schedule.Start{CallNumber: l.number.Add(1), Incarnation: l.seed()}
	if at, ok := ctx.Deadline(); ok {
		start.Deadline = max(at.Sub(r.begun), 1)
	}
	r.schedule.Begin(policy, start)
	r.schedule.Written(0)
	return r, nil
}

func (r *races) now() time.Duration { return time.Since(r.begun) }

// lost waits until the next race, if err says that one was lost and there is to be
// another.
func (r *races) lost(ctx context.Context, err error) error {
	said, failure := &Error{}, schedule.Failure{Code: lostRaces[0], Definite: true}
	errors.As(err, &said)
	indefinite := errors.Is(err, ErrIndefinite)
	if indefinite && !r.again || !indefinite && !slices.Contains(lostRaces, int(said.Code)) {
		return err
	}
	r.unsure = r.again
	failure.RetryAfter = said.RetryAfter
	next := r.schedule.ErrorReply(r.now(), r.schedule.Sent(), -1, failure)
	if next.Action == schedule.Pause {
		select {
		case <-time.After(next.Until - r.now()):
		case <-ctx.Done():
			return fmt.Errorf("%w after %d lost races: %w", context.Cause(ctx), r.schedule.Sent(), err)
		}
		next = r.schedule.Due(r.now())
	}
	if next.Action == schedule.GiveUp {
		return fmt.Errorf("%d races lost, %v: %w", r.schedule.Sent(), next.Reason, err)
	}
	r.schedule.Written(r.now())
	return nil
}

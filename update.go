package eddy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/body"
	"github.com/eddyrpc/eddy/internal/check"
	"github.com/eddyrpc/eddy/internal/metadata"
	"github.com/eddyrpc/eddy/internal/schedule"
)

// Update changes the value of a key to what f makes of it, in one step. It reads the value,
// calls f, and swaps the value that it has read for f's. If another client was faster it
// pauses and starts again, as Races says. It returns the new value.
//
// f gets the value that was read, or the zero value and false if the key does not exist. f
// may run several times, so it must only compute. If f returns an error, Update returns it
// as it is. If f returns the value unchanged, Update sends nothing. On seq-kv both hold for a
// fresh value only; the value that is read first may be old.
//
// If Update returns nil, the change was made once. If it returns an error, the change was not
// made, unless errors.Is finds [ErrIndefinite]: then Update does not know whether its swap was
// made. It does not try again then, because no second message could tell:
//
//	n1: cas x 3 -> 4    times out; the message is slow
//	n1: cas x 3 -> 4    cas_ok
//	n2: cas x 4 -> 3    cas_ok
//	                    n1's slow message arrives, and x is 4: one Update, two effects
//
// All this holds on a network that does not duplicate messages, as those of Maelstrom, NATS
// and TCP. If the network duplicates, one copy of a swap may get cas_ok, which is lost, and
// another PreconditionFailed, which arrives. There, let f put an id of its change into the
// value, let it return a value that has the id as it is, and set Again. Then each Update has
// one effect whatever the network does.
//
// On lww-kv two swaps may both succeed and one be forgotten, so the error is NotSupported.
func (kv *KV[T]) Update(ctx context.Context, key any, f func(old T, exists bool) (T, error)) (T, error) {
	var none T
	check.Must(check.NotNil("the context of Update", ctx), check.NotNil("the function of Update", f))
	if kv.service == lwwKV {
		return none, kv.wrap("update", key, Errorf(NotSupported, "lww-kv would forget updates"))
	}
	if p := kv.Races; p != nil && p.Deadline > 0 {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, p.Deadline)
		defer end()
	}
	races, err := newRaces(ctx, kv.Races, kv.Again, &kv.node.process)
	if err != nil {
		return none, kv.wrap("update", key, err)
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
		round, err := kv.beginRound(ctx, key, fresh)
		if err != nil {
			return none, kv.wrap("update", key, err)
		}
		value, changed, err := round.compute(f)
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
			return none, kv.wrap("update", key, err)
		}
		fresh = true
	}
}

// A round is one read and one swap of an Update.
type round[T any] struct {
	old    T
	exists bool
	swap   kvRequest
}

// beginRound reads the value of a key.
func (kv *KV[T]) beginRound(ctx context.Context, key any, fresh bool) (*round[T], error) {
	old, raw, err := kv.read(ctx, key, fresh)
	// From is the value as it came, since a T may not hold all of it.
	r := &round[T]{old, true, kvRequest{Type: "cas", From: raw}}
	if errors.Is(err, KeyDoesNotExist) {
		// With create_if_not_exists the swap is also made if the value is From. So From
		// must be a value that nobody writes meanwhile, least of all this Update.
		r.exists, r.swap.Create, r.swap.From, err = false, true, kv.node.unique(), nil
	}
	return r, err
}

// compute calls f. changed is false if f has returned the old value.
func (r *round[T]) compute(f func(T, bool) (T, error)) (value T, changed bool, err error) {
	before, err := body.Encode(r.old) // before f, which may write into a map or slice
	if err != nil {
		return value, false, err
	}
	if value, err = f(r.old, r.exists); err != nil {
		return value, false, err
	}
	r.swap.To, err = body.Encode(value)
	return value, !r.exists || string(r.swap.To) != string(before), err
}

// swaps returns the policy of a swap: a single attempt.
func (kv *KV[T]) swaps() *Policy {
	if kv.Changes == nil {
		return onlyOnce
	}
	p := *kv.Changes
	p.Attempts, p.Hedge, p.RetryOn = 1, 0, nil
	return &p
}

// lostRaces are the codes of a swap that was not made and may be made another time.
var lostRaces = []Code{KeyDoesNotExist, KeyAlreadyExists, PreconditionFailed, TemporarilyUnavailable, Abort, TxnConflict}

// races decide when an Update goes on after a race that it has lost.
type races struct {
	schedule.Races
	again  bool // also after a timeout
	unsure bool // a swap whose race seems lost may have been made
	begun  time.Time
}

func newRaces(ctx context.Context, p *Policy, again bool, process *metadata.Incarnation) (*races, error) {
	r := &races{again: again, begun: time.Now()}
	start := schedule.Start{CallNumber: process.NextCall(), Incarnation: process.Number()}
	if at, ok := ctx.Deadline(); ok {
		start.Deadline = max(at.Sub(r.begun), 1)
	}
	if err := r.Begin(p, start); err != nil {
		return nil, fmt.Errorf("races: %w", err)
	}
	return r, nil
}

// lost waits until the next round. It returns err, or an error that wraps it, if err does
// not say that a race was lost or there will be no further round.
func (r *races) lost(ctx context.Context, err error) error {
	reply := &Error{}
	errors.As(err, &reply)
	indefinite := errors.Is(err, ErrIndefinite)
	if indefinite && !r.again || !indefinite && !slices.Contains(lostRaces, reply.Code) {
		return err
	}
	r.unsure = r.again
	next := r.Lost(time.Since(r.begun), reply.RetryAfter)
	if next.Action == schedule.Pause {
		select {
		case <-time.After(next.Until - time.Since(r.begun)):
		case <-ctx.Done():
			return fmt.Errorf("%w after %d lost races: %w", context.Cause(ctx), r.Rounds(), err)
		}
		next = r.Resume(time.Since(r.begun))
	}
	if next.Action == schedule.GiveUp {
		return fmt.Errorf("%d races lost, %v: %w", r.Rounds(), next.Reason, err)
	}
	return nil
}

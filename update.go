package eddy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/eddyrpc/eddy/internal/body"
	"github.com/eddyrpc/eddy/internal/check"
	"github.com/eddyrpc/eddy/internal/rounds"
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
	r, err := rounds.Begin(ctx, kv.Races, &kv.node.process)
	if err != nil {
		return none, kv.wrap("update", key, err)
	}
	value, unsure, err := kv.race(ctx, key, f, r)
	if err != nil && unsure && !errors.Is(err, ErrIndefinite) {
		err = fmt.Errorf("%w; %w", err, ErrIndefinite) // of an earlier swap
	}
	return value, err
}

// race makes round after round. unsure means that a swap whose race seems lost may have been
// made.
func (kv *KV[T]) race(ctx context.Context, key any, f func(T, bool) (T, error), r *rounds.Rounds) (_ T, unsure bool, _ error) {
	var none T
	fresh := kv.service == linKV
	for {
		round, err := kv.beginRound(ctx, key, fresh)
		if err != nil {
			return none, unsure, kv.wrap("update", key, err)
		}
		value, changed, err := round.compute(f)
		switch {
		case (err != nil || !changed) && !fresh:
			fresh = true
			continue
		case err != nil:
			return none, unsure, err
		case !changed:
			return value, unsure, nil
		}
		err = kv.change(ctx, &round.swap, key, kv.swaps())
		if err == nil {
			return value, unsure, nil
		}
		lost, err := kv.lost(ctx, r, err)
		unsure = unsure || lost
		if err != nil {
			return none, unsure, kv.wrap("update", key, err)
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

// lost waits until the next round, after one whose swap has failed with err. It returns an
// error that wraps err if that does not say that a race was lost, or if there will be no
// further round. unsure means that the swap may have been made.
func (kv *KV[T]) lost(ctx context.Context, r *rounds.Rounds, err error) (unsure bool, _ error) {
	reply := &Error{}
	errors.As(err, &reply)
	indefinite := errors.Is(err, ErrIndefinite)
	if indefinite && !kv.Again || !indefinite && !slices.Contains(lostRaces, reply.Code) {
		return false, err
	}
	return kv.Again, r.Next(ctx, err, reply.RetryAfter)
}

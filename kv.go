package eddy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
)

// The services that keep values.
const (
	linKV = "lin-kv"
	seqKV = "seq-kv"
	lwwKV = "lww-kv"
)

// A KV is a client of one of the services that keep values under keys, and that
// Maelstrom, eddy test and eddy services offer to every node (Maelstrom,
// doc/services.md). Values go through encoding/json/v2; an integer beyond 2^53 comes
// back inexact in an any, and exact in an int64 or a [Raw].
//
// A key is any value that becomes JSON; the key 1 is not the key "1". Values are
// equal if they are so as JSON: blanks and the order of members do not count.
//
// Reads are sent again on silence. Changes are sent once, unless Changes says
// otherwise, because a service serves every message that reaches it, and a second one
// may come late:
//
//	n1: write x 1    silence; the message is slow
//	n1: write x 1    write_ok: so Write returns nil
//	n2: write x 2    write_ok
//	                 the slow message arrives, and x is 1 again
//
// A change that meets silence, or an error that is not definite, fails with an error
// in which errors.Is finds [ErrIndefinite]. Whoever can bear the above may set Changes
// to &Policy{}, for 3 attempts.
//
// The fields are set before the first use; the methods may then be called from any
// goroutine, and from any handler but an inline one. An error wraps what the service
// said: errors.Is(err, [KeyDoesNotExist]).
type KV[T any] struct {
	// Reads is for reads: Fresh's and Update's too. nil means 3 attempts of 500 ms.
	Reads *Policy
	// Changes is for Write and CompareAndSwap. nil means one attempt of 1.5 s, as
	// long as a read may take. Update waits as its last attempt does.
	Changes *Policy
	// Races says how often Update runs against others, and how long it pauses after
	// a race that it has lost: Attempts, Backoff and Deadline count. nil means at
	// most 50 races, with pauses of up to 10 ms, 20 ms, 40 ms, ... 2 s.
	Races *Policy
	// Again makes Update go on after silence as after a lost race. It is for an f that
	// sees in the value that it has been there, and then returns it as it is.
	Again bool

	node    *Node
	service string
}

var sentOnce = &Policy{Attempts: 1, Timeout: 1500 * time.Millisecond}

// ErrIndefinite is found by errors.Is in the error of a change that may have taken
// effect, or may yet: look for it before any Code. Silence followed by
// precondition-failed has both, and is no lost race.
var ErrIndefinite = errors.New("it may have taken effect")

// LinKV is a client of lin-kv. It is linearizable: every operation takes effect at
// one moment between its call and its return.
func LinKV[T any](n *Node) *KV[T] { return &KV[T]{node: n, service: linKV} }

// SeqKV is a client of seq-kv. It is sequentially consistent: there is one order of
// all operations, in which each node's stand as it made them (Lamport, How to Make a
// Multiprocessor Computer That Correctly Executes Multiprocess Programs, 1979). That
// order has nothing to do with time, so a read may miss what another node has
// written long ago, again and again. See [KV.Fresh].
func SeqKV[T any](n *Node) *KV[T] { return &KV[T]{node: n, service: seqKV} }

// LWWKV is a client of lww-kv, where in the end the last write wins. Until then a
// node may miss even its own writes, and two may both win a CompareAndSwap.
func LWWKV[T any](n *Node) *KV[T] { return &KV[T]{node: n, service: lwwKV} }

// Read is the value of a key. Without the key the error is [KeyDoesNotExist].
func (kv *KV[T]) Read(ctx context.Context, key any) (T, error) {
	value, _, err := kv.read(ctx, key, false)
	return value, kv.failed("read", key, err)
}

// ReadOr is Read, and the value or if the key is not there.
func (kv *KV[T]) ReadOr(ctx context.Context, key any, or T) (T, error) {
	value, err := kv.Read(ctx, key)
	if errors.Is(err, KeyDoesNotExist) {
		return or, nil
	}
	return value, err
}

// Write sets the value of a key.
func (kv *KV[T]) Write(ctx context.Context, key any, value T) error {
	to, err := encode(value)
	if err == nil {
		err = kv.change(ctx, &kvRequest{Type: "write", Value: to}, key, kv.changes())
	}
	return kv.failed("write", key, err)
}

// CompareAndSwap sets the value of a key if it is from. It fails with
// PreconditionFailed if it is another, and with KeyDoesNotExist if there is none,
// unless create is true: then it sets it. On a network that duplicates, the first two
// may be said of a copy of what has taken effect, see [KV.Update].
func (kv *KV[T]) CompareAndSwap(ctx context.Context, key any, from, to T, create bool) error {
	request := &kvRequest{Type: "cas", Create: create}
	var err error
	if request.From, err = encode(from); err == nil {
		if request.To, err = encode(to); err == nil {
			err = kv.change(ctx, request, key, kv.changes())
		}
	}
	return kv.failed("compare and swap", key, err)
}

// Fresh is Read that knows of every change whose operation had ended before Fresh was
// called. On lin-kv every Read is. On seq-kv it first writes a value of its own under
// the key "eddy-fresh", and then reads, which is two requests.
//
// Sequential consistency alone promises nothing here, whatever is written: a node that
// writes and then reads may stand with both before what others did yesterday, in the
// one order. What Fresh relies on is how such stores are made, Maelstrom's and Eddy's
// too: what changes something is put at the end of a log, and a node is shown nothing
// older than what it has seen or written.
//
// Only a write that changes something will do. To write to a key what it has already,
// or to swap a value for itself, leaves every state as it was, so that a store may
// serve it in the past like a read, and the next read may be as old:
//
//	n2: write x 2       write_ok
//	n1: cas x 1 -> 1    cas_ok, served where x still was 1
//	n1: read x          1
//
// So Fresh never writes a value twice. On lww-kv no request makes a read fresh, and
// the error is [NotSupported].
func (kv *KV[T]) Fresh(ctx context.Context, key any) (T, error) {
	value, _, err := kv.read(ctx, key, true)
	return value, kv.failed("read", key, err)
}

// freshKey is written to by Fresh.
const freshKey = "eddy-fresh"

// catchUp makes the next read fresh.
func (kv *KV[T]) catchUp(ctx context.Context) error {
	switch kv.service {
	case lwwKV:
		return Errorf(NotSupported, "lww-kv has no fresh reads")
	case seqKV:
		// A copy of it that comes late changes nothing but this key.
		_, err := kv.ask(ctx, &kvRequest{Type: "write", Value: kv.node.life.unique()}, freshKey)
		return err
	}
	return nil
}

// read is the value of a key, as a T and as it came.
func (kv *KV[T]) read(ctx context.Context, key any, fresh bool) (value T, raw Raw, err error) {
	if fresh {
		if err = kv.catchUp(ctx); err != nil {
			return value, nil, err
		}
	}
	reply, err := kv.ask(ctx, &kvRequest{Type: "read"}, key)
	if err != nil {
		return value, nil, err
	}
	if raw = reply.Body.Get("value"); raw == nil {
		return value, nil, fmt.Errorf("%s answered %s without a value", kv.service, reply.Type)
	}
	return value, raw, raw.Decode(&value)
}

// A kvRequest is a request to a service, as Maelstrom defines it.
type kvRequest struct {
	Type   string `json:"type"`
	Key    Raw    `json:"key"`
	Value  Raw    `json:"value,omitzero"`
	From   Raw    `json:"from,omitzero"`
	To     Raw    `json:"to,omitzero"`
	Create bool   `json:"create_if_not_exists,omitzero"`
}

// ask sends what has no effect that anybody minds. So an error reply is the whole
// truth, whatever attempts before have met.
func (kv *KV[T]) ask(ctx context.Context, request *kvRequest, key any) (Message, error) {
	reply, err := kv.send(ctx, request, key, kv.Reads)
	if said := (*Error)(nil); errors.As(err, &said) {
		err = said
	}
	return reply, err
}

// change sends what has an effect.
func (kv *KV[T]) change(ctx context.Context, request *kvRequest, key any, policy *Policy) error {
	_, err := kv.send(ctx, request, key, policy)
	if call := (*CallError)(nil); errors.As(err, &call) && !call.Definite() {
		return fmt.Errorf("%w; %w", err, ErrIndefinite)
	}
	return err
}

func (kv *KV[T]) send(ctx context.Context, request *kvRequest, key any, policy *Policy) (reply Message, err error) {
	if request.Key, err = encode(key); err == nil {
		reply, _, err = kv.node.RPCWithRetry(ctx, kv.service, request, policy)
	}
	return reply, err
}

func (kv *KV[T]) changes() *Policy {
	if kv.Changes == nil {
		return sentOnce
	}
	return kv.Changes
}

// failed says what has failed, if anything has.
func (kv *KV[T]) failed(op string, key any, err error) error {
	if err == nil {
		return nil
	}
	name, unnamed := encode(key)
	if unnamed != nil {
		name = Raw("a key")
	}
	return fmt.Errorf("%s %s in %s: %w", op, name, kv.service, err)
}

// encode makes JSON of a value. Equal ones become the same text, which is how Update
// knows that nothing has changed.
func encode(v any) (Raw, error) { return json.Marshal(v, jsonOptions, json.Deterministic(true)) }

// unique is a JSON string that no call to it returns twice, in any life of any node.
func (l *life) unique() Raw {
	return Raw(`"` + l.name() + "/" + strconv.FormatUint(l.number.Add(1), 10) + `"`)
}

// Timestamp is the next number from lin-tso, which hands out each once: it is greater
// than every one that was handed out before the call (Peng and Dabek, Large-scale
// Incremental Processing Using Distributed Transactions and Notifications, OSDI 2010,
// section 2.3). An attempt that is not heard of wastes a number. It waits as every
// call does by default, 3 attempts of 500 ms.
func Timestamp(ctx context.Context, n *Node) (int64, error) {
	reply, _, err := n.RPCWithRetry(ctx, "lin-tso", Raw(`{"type":"ts"}`), nil)
	if err != nil {
		return 0, fmt.Errorf("timestamp: %w", err)
	}
	ts, ok := reply.Body.Get("ts").Int()
	if !ok {
		return 0, fmt.Errorf("timestamp: lin-tso answered %s without an integer ts", reply.Type)
	}
	return ts, nil
}

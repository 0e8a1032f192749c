package eddy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eddyrpc/eddy/internal/body"
	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/check"
)

// The services that keep values.
const (
	linKV = "lin-kv"
	seqKV = "seq-kv"
	lwwKV = "lww-kv"
)

// A KV is a client of one of the services that keep values under keys. Maelstrom, eddy test
// and eddy services offer them to every node (Maelstrom, doc/services.md). Values are encoded
// as encoding/json/v2 does it; an integer beyond 2^53 is exact in an int64 or a [Raw], and not
// in an any. A key is any value that becomes JSON; the key 1 is not the key "1".
//
// A read is sent again after a timeout. A change is sent once, unless Changes says otherwise:
// a service serves every message that reaches it, and a second one may come late.
//
//	n1: write x 1    times out; the message is slow
//	n1: write x 1    write_ok, so Write returns nil
//	n2: write x 2    write_ok
//	                 the slow message arrives, and x is 1 again
//
// A change that timed out, or failed with an error that is not definite, returns an error in
// which errors.Is finds [ErrIndefinite]. If you accept what the example shows, set Changes to
// &Policy{} for 3 attempts. An error wraps what the service said: errors.Is(err,
// [KeyDoesNotExist]).
//
// Set the fields before the first use. The methods may be called from any goroutine, but not
// from an inline handler.
type KV[T any] struct {
	// Reads is the policy of reads, those of Fresh and Update included. nil means 3
	// attempts of 500 ms.
	Reads *Policy
	// Changes is the policy of Write and CompareAndSwap. nil means one attempt of 1.5 s,
	// which is as long as a read may take. Each swap of Update waits as long as the last
	// attempt of Changes.
	Changes *Policy
	// Races says how often Update tries again when another client has changed the value,
	// and how long it pauses before. Its Attempts, Backoff and Deadline count; fields
	// that are not set have the default. nil means at most 50 times, with pauses of up to
	// 10 ms, 20 ms, 40 ms, ... 2 s.
	Races *Policy
	// Again makes Update try again after a timeout, as after a lost race. Set it only if f
	// can see in the value that its change was made, and then returns the value unchanged.
	Again bool

	node    *Node
	service string
}

var onlyOnce = &Policy{Attempts: 1, Timeout: 1500 * time.Millisecond}

// LinKV returns a client of lin-kv, which is linearizable: each operation has its effect at
// one moment between its call and its return.
func LinKV[T any](n *Node) *KV[T] { return newKV[T](n, linKV) }

// SeqKV returns a client of seq-kv, which is sequentially consistent: there is one order of
// all operations, in which the operations of each node stand as it made them (Lamport, How
// to Make a Multiprocessor Computer That Correctly Executes Multiprocess Programs, 1979).
// The order need not agree with real time. So a read may miss what another node wrote long
// ago, again and again; see [KV.Fresh].
func SeqKV[T any](n *Node) *KV[T] { return newKV[T](n, seqKV) }

// LWWKV returns a client of lww-kv, where in the end the last write wins. Until then a node
// may miss even its own writes, and two nodes may both succeed with a CompareAndSwap.
func LWWKV[T any](n *Node) *KV[T] { return newKV[T](n, lwwKV) }

func newKV[T any](n *Node, service string) *KV[T] {
	check.Must(check.NotNil("the node of "+service, n))
	return &KV[T]{node: n, service: service}
}

// Read returns the value of a key. If the key does not exist, the error is
// [KeyDoesNotExist].
func (kv *KV[T]) Read(ctx context.Context, key any) (T, error) {
	value, _, err := kv.read(ctx, key, false)
	return value, kv.wrap("read", key, err)
}

// ReadOr returns the value of a key, or or if the key does not exist.
func (kv *KV[T]) ReadOr(ctx context.Context, key any, or T) (T, error) {
	value, err := kv.Read(ctx, key)
	if errors.Is(err, KeyDoesNotExist) {
		return or, nil
	}
	return value, err
}

// Write sets the value of a key.
func (kv *KV[T]) Write(ctx context.Context, key any, value T) error {
	to, err := body.Encode(value)
	if err == nil {
		err = kv.change(ctx, &kvRequest{Type: "write", Value: to}, key, kv.changes())
	}
	return kv.wrap("write", key, err)
}

// CompareAndSwap sets the value of a key to to if it is from. It returns PreconditionFailed
// if the value is another one. If the key does not exist, it returns KeyDoesNotExist, or,
// if create is true, sets the value. If the network duplicates messages, these two errors
// may be the reply to a copy of a request that has had its effect; see [KV.Update].
func (kv *KV[T]) CompareAndSwap(ctx context.Context, key any, from, to T, create bool) error {
	request := &kvRequest{Type: "cas", Create: create}
	var err error
	if request.From, err = body.Encode(from); err == nil {
		if request.To, err = body.Encode(to); err == nil {
			err = kv.change(ctx, request, key, kv.changes())
		}
	}
	return kv.wrap("compare and swap", key, err)
}

// Fresh is Read that sees every change whose operation had ended before Fresh was called.
// On lin-kv each Read does. On seq-kv Fresh first writes a value of its own under the key
// "eddy-fresh" and then reads. This relies on how such stores work, those of Maelstrom and
// Eddy included: a change is appended to a log, and a node is shown nothing older than what it
// has written. A write that changes nothing would not do, since a store may serve it in the
// past, like a read. On lww-kv no request makes a read fresh, and the error is
// [NotSupported].
func (kv *KV[T]) Fresh(ctx context.Context, key any) (T, error) {
	value, _, err := kv.read(ctx, key, true)
	return value, kv.wrap("read", key, err)
}

// unique returns a JSON string that is returned once only, by any incarnation of any node.
func (n *Node) unique() Raw { return Raw(`"` + n.process.CallID() + `"`) }

// freshKey is the key that Fresh writes.
const freshKey = "eddy-fresh"

// catchUp makes the next read fresh.
func (kv *KV[T]) catchUp(ctx context.Context) error {
	switch kv.service {
	case lwwKV:
		return Errorf(NotSupported, "lww-kv has no fresh reads")
	case seqKV:
		// A copy that comes late changes this key only.
		_, err := kv.ask(ctx, &kvRequest{Type: "write", Value: kv.node.unique()}, freshKey)
		return err
	}
	return nil
}

// read returns the value of a key, as a T and as it came.
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
		return value, nil, fmt.Errorf("%s replied with %s without a value", kv.service, reply.Type())
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

// ask sends a request that changes nothing that matters. So its error is the error reply
// itself, whatever became of the attempts before.
func (kv *KV[T]) ask(ctx context.Context, request *kvRequest, key any) (Message, error) {
	reply, err := kv.send(ctx, request, key, kv.Reads)
	if reply := (*Error)(nil); errors.As(err, &reply) {
		err = reply
	}
	return reply, err
}

// change sends a request that changes something.
func (kv *KV[T]) change(ctx context.Context, request *kvRequest, key any, policy *Policy) error {
	_, err := kv.send(ctx, request, key, policy)
	if call := (*CallError)(nil); errors.As(err, &call) && !call.Definite() {
		return fmt.Errorf("%w; %w", err, ErrIndefinite)
	}
	return err
}

func (kv *KV[T]) send(ctx context.Context, request *kvRequest, key any, policy *Policy) (reply Message, err error) {
	if request.Key, err = body.Encode(key); err == nil {
		reply, _, err = kv.node.RPCWithRetry(ctx, kv.service, request, policy)
	}
	return reply, err
}

func (kv *KV[T]) changes() *Policy {
	if kv.Changes == nil {
		return onlyOnce
	}
	return kv.Changes
}

// wrap adds to an error which operation has failed.
func (kv *KV[T]) wrap(op string, key any, err error) error {
	if err == nil {
		return nil
	}
	name, invalid := body.Encode(key)
	if invalid != nil {
		name = []byte("a key")
	}
	return fmt.Errorf("%s %s in %s: %w", op, bounded.Name(string(name)), kv.service, err)
}

// A TSO is a client of lin-tso, which hands out timestamps.
type TSO struct {
	// Policy is the policy of Next. nil means 3 attempts of 500 ms.
	Policy *Policy

	node *Node
}

// LinTSO returns a client of lin-tso.
func LinTSO(n *Node) *TSO {
	check.Must(check.NotNil("the node of lin-tso", n))
	return &TSO{node: n}
}

// Next returns the next timestamp. It is greater than every timestamp that was handed out
// before the call, and it is handed out only once (Peng and Dabek, Large-scale Incremental Processing Using
// Distributed Transactions and Notifications, OSDI 2010, section 2.3). An attempt that
// times out wastes a timestamp.
func (t *TSO) Next(ctx context.Context) (int64, error) {
	reply, _, err := t.node.RPCWithRetry(ctx, "lin-tso", Raw(`{"type":"ts"}`), t.Policy)
	if err != nil {
		return 0, fmt.Errorf("timestamp: %w", err)
	}
	ts, ok := reply.Body.Get("ts").Int()
	if !ok {
		return 0, fmt.Errorf("timestamp: lin-tso replied with %s without an integer ts", reply.Type())
	}
	return ts, nil
}

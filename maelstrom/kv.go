package maelstrom

import (
	"context"
	"encoding/json"

	"github.com/eddyrpc/eddy"
)

// Names of the key-value services.
const (
	LinKV = "lin-kv"
	SeqKV = "seq-kv"
	LWWKV = "lww-kv"
)

// A KV is a client of a key-value service.
type KV struct {
	typ  string
	node *Node
}

// NewKV returns a client of the service with this name.
func NewKV(typ string, node *Node) *KV {
	if node == nil {
		panic("maelstrom: the node of " + typ + " is nil")
	}
	return &KV{typ, node}
}

// NewLinKV returns a client of lin-kv, which is linearizable.
func NewLinKV(node *Node) *KV { return NewKV(LinKV, node) }

// NewSeqKV returns a client of seq-kv, which is sequentially consistent: a read may return
// an old value.
func NewSeqKV(node *Node) *KV { return NewKV(SeqKV, node) }

// NewLWWKV returns a client of lww-kv, where the last write wins.
func NewLWWKV(node *Node) *KV { return NewKV(LWWKV, node) }

// Read returns the value of a key. A number becomes an int. If there is no such key, the
// error is an *RPCError with code KeyDoesNotExist.
func (kv *KV) Read(ctx context.Context, key string) (any, error) {
	reply, err := kv.read(ctx, key)
	if err != nil {
		return nil, err
	}
	raw := eddy.Raw(reply.Body).Get("value")
	if raw == nil {
		return nil, nil
	}
	if i, ok := raw.Int(); ok {
		return int(i), nil // exact, also above 2^53
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	if f, ok := v.(float64); ok {
		return int(f), nil // as with the official library
	}
	return v, nil
}

// ReadInto stores the value of a key in what v points to.
func (kv *KV) ReadInto(ctx context.Context, key string, v any) error {
	reply, err := kv.read(ctx, key)
	if err != nil {
		return err
	}
	body := struct {
		Value any `json:"value"`
	}{v} // as a member, so that null does not change what v points to
	return json.Unmarshal(reply.Body, &body)
}

// ReadInt returns the value of a key, 0 if it is not a number.
func (kv *KV) ReadInt(ctx context.Context, key string) (int, error) {
	v, err := kv.Read(ctx, key)
	i, _ := v.(int)
	return i, err
}

// Write sets the value of a key.
func (kv *KV) Write(ctx context.Context, key string, value any) error {
	_, err := kv.node.SyncRPC(ctx, kv.typ, map[string]any{"type": "write", "key": key, "value": value})
	return err
}

// CompareAndSwap sets the value of a key to to if the value is from. If it is not, the error
// is an *RPCError with code PreconditionFailed. If there is no such key, CompareAndSwap
// creates it if createIfNotExists is true; otherwise the code is KeyDoesNotExist.
func (kv *KV) CompareAndSwap(ctx context.Context, key string, from, to any, createIfNotExists bool) error {
	body := map[string]any{"type": "cas", "key": key, "from": from, "to": to}
	if createIfNotExists {
		body["create_if_not_exists"] = true
	}
	_, err := kv.node.SyncRPC(ctx, kv.typ, body)
	return err
}

func (kv *KV) read(ctx context.Context, key string) (Message, error) {
	return kv.node.SyncRPC(ctx, kv.typ, map[string]any{"type": "read", "key": key})
}

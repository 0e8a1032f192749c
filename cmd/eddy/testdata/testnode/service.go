package testnode

import (
	"context"
	"fmt"
	"slices"

	"github.com/eddyrpc/eddy"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// An addRequest is the body of a client's add.
type addRequest struct {
	Element int64 `json:"element"`
	Delta   int64 `json:"delta"`
}

// serveWith runs a node of package eddy with these handlers of add and read.
func serveWith(p *program.Process, n *eddy.Node, add func(context.Context, addRequest) error, read func(context.Context) (any, error)) {
	n.Handle("add", func(ctx context.Context, req *eddy.Request) (any, error) {
		var r addRequest
		if err := req.Body.Decode(&r); err != nil {
			return nil, err
		}
		return eddy.Raw(`{}`), add(ctx, r)
	})
	n.Handle("read", func(ctx context.Context, _ *eddy.Request) (any, error) {
		value, err := read(ctx)
		return map[string]any{"value": value}, err
	})
	n.Log = p.Log()
	if err := n.Serve(p.Context, p); err != nil && p.Context.Err() == nil {
		p.Exit(1)
	}
}

// service is a correct node that keeps all adds in lin-kv, with ids for a counter, so that
// none counts twice.
func service(p *program.Process, set bool) {
	var n eddy.Node
	kv := eddy.LinKV[map[string]int64](&n)
	kv.Again = true
	add := func(ctx context.Context, r addRequest) error {
		id, value := fmt.Sprintf("%x", p.Random.Uint64()), r.Delta
		if set {
			id, value = fmt.Sprint(r.Element), r.Element
		}
		_, err := kv.Update(ctx, "adds", func(adds map[string]int64, _ bool) (map[string]int64, error) {
			if _, known := adds[id]; known {
				return adds, nil
			}
			if adds == nil {
				adds = map[string]int64{}
			}
			adds[id] = value
			return adds, nil
		})
		return err
	}
	serveWith(p, &n, add, func(ctx context.Context) (any, error) {
		adds, err := kv.ReadOr(ctx, "adds", nil)
		elements, sum := []int64{}, int64(0)
		for _, value := range adds {
			elements = append(elements, value)
			sum += value
		}
		if set {
			return elements, err
		}
		return sum, err
	})
}

// readsAndWrites keeps the value in lin-kv and writes it without compare-and-set, so that
// concurrent adds are lost.
func readsAndWrites(p *program.Process, set bool) {
	var n eddy.Node
	kv := eddy.LinKV[[]int64](&n)
	add := func(ctx context.Context, r addRequest) error {
		values, err := kv.ReadOr(ctx, "value", nil)
		if err != nil {
			return err
		}
		if set && slices.Contains(values, r.Element) {
			return nil
		}
		return kv.Write(ctx, "value", append(values, r.Element+r.Delta))
	}
	serveWith(p, &n, add, func(ctx context.Context) (any, error) {
		values, err := kv.ReadOr(ctx, "value", []int64{})
		if set {
			return values, err
		}
		return sumOf(values), err
	})
}

// swapsAgain keeps a counter in lin-kv and repeats each swap that timed out, although it
// may have taken effect.
func swapsAgain(p *program.Process, _ bool) {
	var n eddy.Node
	kv := eddy.LinKV[int64](&n)
	kv.Again = true
	add := func(ctx context.Context, r addRequest) error {
		_, err := kv.Update(ctx, "value", func(old int64, _ bool) (int64, error) { return old + r.Delta, nil })
		return err
	}
	serveWith(p, &n, add, func(ctx context.Context) (any, error) { return kv.ReadOr(ctx, "value", 0) })
}

func sumOf(values []int64) (sum int64) {
	for _, v := range values {
		sum += v
	}
	return sum
}

package eddy_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/eddyrpc/eddy"
)

func ExampleKV() {
	var n eddy.Node // on a network with lin-kv
	defer cluster([]*eddy.Node{&n})()
	ctx := context.Background()
	kv := eddy.LinKV[string](&n)

	_, err := kv.Read(ctx, "colour")
	fmt.Println(err)
	fmt.Println(errors.Is(err, eddy.KeyDoesNotExist))
	fmt.Println(kv.ReadOr(ctx, "colour", "none"))

	fmt.Println(kv.Write(ctx, "colour", "red"))
	fmt.Println(kv.CompareAndSwap(ctx, "colour", "red", "green", false))
	fmt.Println(kv.CompareAndSwap(ctx, "colour", "red", "blue", false))
	fmt.Println(kv.Read(ctx, "colour"))
	// Output:
	// read "colour" in lin-kv: key "colour" does not exist (key-does-not-exist)
	// true
	// none <nil>
	// <nil>
	// <nil>
	// compare and swap "colour" in lin-kv: RPC to lin-kv failed: key "colour" is "green", not "red" (precondition-failed)
	// green <nil>
}

// A counter that many nodes change.
func ExampleKV_Update() {
	var n eddy.Node // on a network with lin-kv
	defer cluster([]*eddy.Node{&n})()
	counter := eddy.LinKV[int64](&n)

	add := func(delta int64) error {
		now, err := counter.Update(context.Background(), "total", func(old int64, _ bool) (int64, error) {
			return old + delta, nil
		})
		switch {
		case err == nil:
			fmt.Println("the total is", now)
		case errors.Is(err, eddy.ErrIndefinite):
			fmt.Println(delta, "may have been added:", err)
		default:
			fmt.Println(delta, "was not added:", err)
		}
		return err
	}
	add(2)
	add(3)
	// Output:
	// the total is 2
	// the total is 5
}

// A counter that also holds the number of the last addition of each node. So f sees in the
// value whether its addition was made, and Update may try again after a timeout, whatever
// the network loses, delays or duplicates.
func ExampleKV_Update_again() {
	type counter struct {
		Total int64
		Last  map[string]int // of each node
	}
	var n eddy.Node // on a network with lin-kv
	defer cluster([]*eddy.Node{&n})()
	kv := eddy.LinKV[counter](&n)
	kv.Again = true

	add := func(number int, delta int64) {
		now, err := kv.Update(context.Background(), "total", func(old counter, _ bool) (counter, error) {
			if old.Last[n.ID()] >= number {
				return old, nil // it was made
			}
			if old.Last == nil {
				old.Last = map[string]int{}
			}
			old.Last[n.ID()] = number
			old.Total += delta
			return old, nil
		})
		fmt.Println(now.Total, err)
	}
	add(1, 2)
	add(2, 3)
	add(2, 3)
	// Output:
	// 2 <nil>
	// 5 <nil>
	// 5 <nil>
}

// On seq-kv a read may miss what another node wrote long ago. A fresh read does not.
func ExampleKV_Fresh() {
	var n1, n2 eddy.Node // on a network with seq-kv
	defer cluster([]*eddy.Node{&n1, &n2})()
	ctx := context.Background()
	ours, theirs := eddy.SeqKV[int](&n1), eddy.SeqKV[int](&n2)

	stale, staleFresh := 0, 0
	for i := range 100 {
		theirs.Write(ctx, "x", i)
		if got, _ := ours.ReadOr(ctx, "x", -1); got != i {
			stale++
		}
		if got, _ := ours.Fresh(ctx, "x"); got != i {
			staleFresh++
		}
	}
	fmt.Println("plain reads were stale:", stale > 0)
	fmt.Println("fresh reads were stale:", staleFresh > 0)
	// Output:
	// plain reads were stale: true
	// fresh reads were stale: false
}

// Timestamps grow over all nodes.
func ExampleLinTSO() {
	var n1, n2 eddy.Node // on a network with lin-tso
	defer cluster([]*eddy.Node{&n1, &n2})()
	ctx := context.Background()

	var first, second *eddy.TSO = eddy.LinTSO(&n1), eddy.LinTSO(&n2)
	before, _ := first.Next(ctx)
	after, _ := second.Next(ctx)
	fmt.Println(before < after)
	// Output: true
}

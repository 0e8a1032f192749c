package check

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"
)

func TestNotNil(t *testing.T) {
	var ctx context.Context
	var w io.Writer
	var f func()
	var p *int
	for _, v := range []any{nil, ctx, w, f, p, []int(nil), map[int]int(nil), (chan int)(nil)} {
		if err := NotNil("the value", v); err == nil || err.Error() != "the value is nil" {
			t.Errorf("%T: %v", v, err)
		}
	}
	for _, v := range []any{0, "", struct{}{}, new(int), func() {}, []int{}, context.Background(), io.Discard} {
		if err := NotNil("the value", v); err != nil {
			t.Errorf("%T: %v", v, err)
		}
	}
}

func TestMust(t *testing.T) {
	Must()
	Must(NotNegative("Max", 0), NotNegative("Drain", time.Second), NotNil("f", t.Fatal))
	defer func() {
		if got := fmt.Sprint(recover()); got != "eddy: Drain: -1ns must not be negative" {
			t.Errorf("it panics with %q", got)
		}
	}()
	Must(NotNegative("Max", 1), NotNegative("Drain", time.Duration(-1)), NotNil("f", nil))
}

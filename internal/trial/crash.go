package trial

import (
	"fmt"
	"runtime/debug"
)

// A Crash is a panic of eddy itself, which says nothing about the nodes. The test ends,
// and its results are kept as far as they came.
type Crash struct {
	Panic any
	Stack []byte
}

func (c *Crash) Error() string { return fmt.Sprintf("eddy itself failed: %v", c.Panic) }

// Guard calls f. If f panics, it returns a *Crash.
func Guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Crash{Panic: p, Stack: debug.Stack()}
		}
	}()
	return f()
}

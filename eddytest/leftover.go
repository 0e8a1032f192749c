package eddytest

import (
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing/synctest"
	"time"
)

// leftoverTime is how long goroutines may run on after their node has ended, in virtual
// time. A call of a node may still wait for its timeout.
const leftoverTime = time.Hour

// endGoroutines waits until all goroutines of the nodes have ended. It panics with their
// stacks if they do not: nothing can end them. which names the test and its seed.
func endGoroutines(steps *atomic.Int64, which string) {
	synctest.Wait()
	if len(leftover()) == 0 {
		return
	}
	for range 360 {
		time.Sleep(leftoverTime / 360)
		synctest.Wait()
		steps.Add(1) // a loop that never ends is left behind, not at fault for a lack of progress
		if len(leftover()) == 0 {
			return
		}
	}
	if stacks := leftover(); len(stacks) > 0 {
		panic(fmt.Sprintf("eddytest: %s: %d goroutines of the nodes have not ended %v after their nodes. A killed node cannot be "+
			"replaced if its goroutines stay. Let every loop end when Process.Context ends, or use Every of the node. The first:\n%s",
			which, len(stacks), leftoverTime, stacks[0]))
	}
}

var bubbleNumber = regexp.MustCompile(`^goroutine \d+ [^\n]*(synctest bubble \d+)\]`)

// leftover returns the stacks of all other goroutines in this bubble, except those of
// synctest itself.
func leftover() (stacks []string) {
	buf := make([]byte, 64<<10)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	all := strings.Split(string(buf), "\n\n")
	own := bubbleNumber.FindStringSubmatch(all[0]) // of the caller, which comes first
	if own == nil {
		return nil
	}
	for _, stack := range all[1:] {
		number := bubbleNumber.FindStringSubmatch(stack)
		if number != nil && number[1] == own[1] && !strings.Contains(stack, "testing/synctest.") {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}

// patience is how long the nodes may compute, in real time, before they must be blocked.
var patience = 10 * time.Second

// A watchdog notices that a bubble makes no progress: in virtual time, a goroutine that
// waits for a mutex while its owner sleeps waits for ever, since time does not pass.
type watchdog struct {
	stop chan struct{}
}

// newWatchdog watches a counter of steps. which names the test and its seed. It must be called
// outside the bubble.
func newWatchdog(steps *atomic.Int64, which string) *watchdog {
	w := &watchdog{stop: make(chan struct{})}
	go func() {
		last := int64(-1)
		for {
			select {
			case <-w.stop:
				return
			case <-time.After(patience):
			}
			now := steps.Load()
			if now == last {
				buf := make([]byte, 1<<20)
				panic(fmt.Sprintf("eddytest: %s: the nodes have not come to rest for %v. A goroutine computes without end, or it waits for a mutex "+
					"whose owner waits for time to pass: in virtual time this never ends. See the comment of package eddytest.\n%s",
					which, patience, buf[:runtime.Stack(buf, true)]))
			}
			last = now
		}
	}()
	return w
}

func (w *watchdog) end() { close(w.stop) }

package eddy

import (
	"runtime"
	"slices"
	"time"
)

// timeouts looks for attempts that have met silence for long enough, and does
// what their calls' policies say. It does so for some calls at a time: one by one,
// each would wait for its own memory (bench, storm).
func (n *Node) timeouts() {
	n.beginBatch()
	defer n.endBatchElsewhere()
	var some [64]silence
	for {
		count := n.silences(some[:])
		if count == 0 {
			return
		}
		n.tellOf(some[:count])
	}
}

// tellOf logs the retries and ends the calls that have failed.
func (n *Node) tellOf(some []silence) {
	defer func() {
		if len(some) > 0 { // a callback ended the goroutine
			go n.tellOf(slices.Clone(some))
		}
	}()
	defer n.wakeElsewhere()
	fetch(some)
	for len(some) > 0 {
		s := some[0]
		some = some[1:]
		if s.attempt == 0 {
			n.end(s.call, Message{}, s.err)
		} else {
			n.logRetry(s)
		}
	}
}

// fetch looks at the requests once, so that they all come from the machine's memory at
// the same time: that of a request is waited for a fifth of the time else (bench, storm).
func fetch(some []silence) {
	var sum int64
	for _, s := range some {
		if r := s.call.Owner.request; r != nil {
			sum += r.ID
		}
	}
	runtime.KeepAlive(sum)
}

// A silence is what a call has met that has just been retried, or given up.
type silence struct {
	call    *call
	attempt int           // number of the attempt that was sent then, 0 if none was
	id      int64         // its msg_id
	waited  time.Duration // by the attempt before
	err     error         // what that has met if not silence; or what the call has failed with
}

// silences stores as many calls as have met silence, and sends their next
// attempts.
func (n *Node) silences(into []silence) (count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	for count < len(into) {
		c, step, g := n.calls.Silent(now, !n.full())
		if c == nil {
			break
		}
		into[count] = n.afterSilence(c, step, g, now)
		count++
	}
	return count
}

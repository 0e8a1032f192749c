package caller

import (
	"errors"
	"fmt"

	"github.com/eddyrpc/eddy/internal/calls"
	"github.com/eddyrpc/eddy/internal/schedule"
)

// errRefusedReply is the error of an attempt whose reply was no error reply and led to
// another attempt all the same.
var errRefusedReply = errors.New("the policy's RetryIf wants another attempt after this reply")

// judge asks RetryIf of the policy whether a reply leads to another attempt, if the policy
// has one. It is the user's code, so the lock, which is held, is not held meanwhile. If it
// panics, the reply is a failure that is not retried.
func (c *Caller[O]) judge(r *calls.Reply, body []byte) {
	retryIf := c.Table.RetryIf(r)
	if retryIf == nil {
		return
	}
	c.set.Out.Unlock()
	defer c.set.Out.Lock()
	defer func() {
		if p := recover(); p != nil {
			r.Err = fmt.Errorf("RetryIf of the policy panicked: %v", p)
			r.Failure = &schedule.Failure{}
		}
	}()
	switch again := retryIf(body, r.Err); {
	case !again:
	case r.Failure != nil:
		r.Failure.Retry = true
	default:
		r.Err = errRefusedReply
		r.Failure = &schedule.Failure{Retry: true, Succeeded: true}
	}
}

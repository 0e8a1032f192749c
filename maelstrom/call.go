package maelstrom

import (
	"context"
	"errors"
	"log"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/bounded"
)

// patience is how long a call waits that has no deadline. The official library waits, and
// keeps the memory of the call, for ever.
const patience = time.Minute

// The policies of RPC and SyncRPC.
var (
	patient   = &Policy{Attempts: 1, Timeout: patience}
	unlimited = &Policy{Attempts: 1, Timeout: math.MaxInt64} // for a context with a deadline
)

// A Policy says how many attempts a call has and how long each waits. nil and the zero
// value are the default: 3 attempts in all, 500 ms each. See package retry.
type Policy = eddy.Policy

// LoadPolicy returns the preset of this name (default, patient, hedged, budgeted), or else
// reads the policy from the file of this name.
func LoadPolicy(name string) (*Policy, error) { return eddy.LoadPolicy(name) }

// A CallError says what became of each attempt of a failed call, and whether the call
// surely had no effect. errors.As finds it in the errors of RPCWithRetry and Call.
type CallError = eddy.CallError

// RPC sends a request to dest. It runs handler on a goroutine of its own when the reply
// comes. If no reply comes within a minute, RPC logs that and never runs handler.
func (n *Node) RPC(dest string, body any, handler HandlerFunc) error {
	return n.Call(dest, body, patient, func(reply Message, _ int, err error) {
		switch {
		case errors.Is(err, eddy.Timeout) && reply.Body == nil:
			logError("no reply from "+bounded.Name(dest), err)
		case reply.Body == nil || handler == nil:
		default:
			if err := handler(reply); err != nil {
				logError("callback error", err)
			}
		}
	})
}

// logError logs an error. Peers may have chosen the texts, so they are cut and escaped.
func logError(what string, err error) {
	log.Printf("%s: %s", escape(what), escape(bounded.Text(err.Error())))
}

// escape returns a text without control characters, on one line.
func escape(text string) string {
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// Call is RPCWithRetry with a callback. When the call has ended, done runs once, on a
// goroutine of its own, so it may block. If Call returns an error, the call did not begin
// and done does not run.
func (n *Node) Call(dest string, body any, policy *Policy, done func(reply Message, attempts int, err error)) error {
	if done == nil {
		return errors.New("the callback is nil")
	}
	raw, err := requestBody(body)
	if err != nil {
		return err
	}
	s := n.opened()
	return s.node.Call(context.Background(), dest, raw, policy, func(r eddy.Result) {
		var reply Message
		if r.Reply.Body != nil {
			reply = received(r.Reply)
		}
		callbackEnded := s.official.Busy()
		go func() {
			defer callbackEnded()
			err := guard(func() error {
				done(reply, r.Attempts, callError(reply, r.Err))
				return nil
			})
			if err != nil {
				logError("callback error", err)
			}
		}()
	})
}

// SyncRPC sends a request to dest and waits for the reply until ctx ends. If ctx has no
// deadline, SyncRPC waits for a minute at most. An error reply is returned together with
// its *RPCError.
func (n *Node) SyncRPC(ctx context.Context, dest string, body any) (Message, error) {
	policy := patient
	if _, ok := ctx.Deadline(); ok {
		policy = unlimited
	}
	msg, _, err := n.RPCWithRetry(ctx, dest, body, policy)
	if msg.Body == nil {
		return msg, err
	}
	if e := msg.RPCError(); e != nil {
		return msg, e // as it is, because programs assert its type
	}
	return msg, nil
}

// RPCWithRetry is SyncRPC with a policy. When an attempt times out, it sends the request
// again with a fresh msg_id, as long as the policy allows it. It also returns how many
// attempts it sent. A nil policy is the default, 3 attempts of 500 ms.
//
// [ErrorCode] of its error is the code of the error reply, or Timeout if no reply came. If
// a handler returns the error, the node replies with that code. But if an earlier attempt
// timed out, and so may have had an effect, the node replies with Timeout.
func (n *Node) RPCWithRetry(ctx context.Context, dest string, body any, policy *Policy) (Message, int, error) {
	raw, err := requestBody(body)
	if err != nil {
		return Message{}, 0, err
	}
	reply, attempts, err := n.opened().node.RPCWithRetry(ctx, dest, raw, policy)
	switch {
	case reply.Body != nil:
		msg := Message{Src: reply.Src, Dest: reply.Dest, Body: []byte(reply.Body)}
		return msg, attempts, callError(msg, err)
	case ctx.Err() != nil:
		return Message{}, attempts, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded) && deadlinePassed(ctx):
		return Message{}, attempts, context.DeadlineExceeded
	}
	return Message{}, attempts, callError(Message{}, err)
}

// deadlinePassed reports whether the deadline of ctx has passed. The node may see this
// before ctx ends.
func deadlinePassed(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) <= 0
}

// A failedCall is a *CallError. For errors.As it is also an *RPCError if there is a code.
type failedCall struct {
	*CallError
	rpc *RPCError
}

// callError returns what the user gets for the error of a call. reply is the error reply,
// if there was one.
func callError(reply Message, err error) error {
	var call *CallError
	if !errors.As(err, &call) {
		return err
	}
	f := &failedCall{CallError: call}
	var code eddy.Code
	switch {
	case reply.Body != nil:
		f.rpc = reply.RPCError()
	case errors.As(err, &code):
		f.rpc = NewRPCError(int(code), err.Error())
	}
	return f
}

func (f *failedCall) Unwrap() error { return f.CallError }

func (f *failedCall) As(target any) bool {
	t, ok := target.(**RPCError)
	if ok = ok && f.rpc != nil; ok {
		*t = f.rpc
	}
	return ok
}

// errorReply returns the reply to a request whose handler has returned err.
func errorReply(err error) *RPCError {
	var call *CallError
	var rpc *RPCError
	switch {
	case !errors.As(err, &rpc):
		return NewRPCError(Crash, err.Error())
	case errors.As(err, &call) && eddy.Code(rpc.Code).Definite() && !call.Definite():
		return NewRPCError(Timeout, err.Error())
	case call != nil:
		return NewRPCError(rpc.Code, err.Error())
	}
	return rpc
}

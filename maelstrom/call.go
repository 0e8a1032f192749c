package maelstrom

import (
	"context"
	"errors"
	"log"
	"time"

	"github.com/eddyrpc/eddy"
)

// patience is how long a call without a deadline waits for its reply; the official
// library waits, and keeps the call's memory, for ever.
const patience = time.Minute

var single = &Policy{Attempts: 1, Timeout: patience}

// A Policy says how often a call is attempted and how long it waits; nil and the
// zero value are 3 attempts in all, 500 ms each. See package retry.
type Policy = eddy.Policy

// LoadPolicy returns the preset of this name (default, patient, hedged, budgeted),
// or else reads the policy from the file of this name.
func LoadPolicy(name string) (*Policy, error) { return eddy.LoadPolicy(name) }

// A CallError tells what each attempt of a failed call has met, and whether the call
// surely took no effect; errors.As finds it in the errors of RPCWithRetry and Call.
type CallError = eddy.CallError

// RPC calls dest; handler gets the reply, on a goroutine of its own. A reply that
// does not come within a minute is not waited for any more.
func (n *Node) RPC(dest string, body any, handler HandlerFunc) error {
	return n.Call(dest, body, single, func(reply Message, _ int, err error) {
		switch {
		case errors.Is(err, eddy.Timeout) && reply.Body == nil:
			log.Printf("no reply from %s: %s", dest, err)
		case reply.Body == nil || handler == nil:
		default:
			if err := handler(reply); err != nil {
				log.Printf("callback error: %s", err)
			}
		}
	})
}

// Call is RPCWithRetry without a goroutine that waits: done is told once how the
// call has ended, on a goroutine of its own, so it may block. An error means that the call could not
// begin; done is not called then.
func (n *Node) Call(dest string, body any, policy *Policy, done func(reply Message, attempts int, err error)) error {
	raw, err := request(body)
	if err != nil {
		return err
	}
	s := n.opened()
	return s.node.Call(context.Background(), dest, raw, policy, func(r eddy.Result) {
		var msg Message
		if r.Reply.Body != nil {
			msg = received(r.Reply) // its body is not valid after we return
		}
		over := s.official.Busy()
		go func() {
			defer over()
			err := n.guard(func(Message) error {
				done(msg, r.Attempts, failure(msg, r.Err))
				return nil
			}, msg)
			if err != nil {
				log.Printf("callback error: %s", err)
			}
		}()
	})
}

// SyncRPC calls dest and waits for the reply, not beyond the end of ctx, and for a
// minute if that has none. A reply that tells of an error is returned with it, an
// *RPCError.
func (n *Node) SyncRPC(ctx context.Context, dest string, body any) (Message, error) {
	msg, _, err := n.RPCWithRetry(ctx, dest, body, single)
	if msg.Body == nil {
		return msg, err
	}
	if e := msg.RPCError(); e != nil {
		return msg, e // nothing else, since programs ask for its type
	}
	return msg, nil
}

// RPCWithRetry is SyncRPC by a policy: on silence it sends the body again, with a
// fresh msg_id. It also returns how many attempts it took. nil is the default: 3
// attempts of 500 ms.
//
// [ErrorCode] of its error is what the reply says, Timeout if there was none. A
// handler that returns the error answers with that code; but if an earlier attempt
// met silence, and so may have taken effect, with Timeout.
func (n *Node) RPCWithRetry(ctx context.Context, dest string, body any, policy *Policy) (Message, int, error) {
	raw, err := request(body)
	if err != nil {
		return Message{}, 0, err
	}
	reply, attempts, err := n.opened().node.RPCWithRetry(ctx, dest, raw, policy)
	switch {
	case reply.Body != nil:
		msg := Message{Src: reply.Src, Dest: reply.Dest, Body: []byte(reply.Body)}
		return msg, attempts, failure(msg, err)
	case ctx.Err() != nil:
		return Message{}, attempts, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded) && over(ctx):
		return Message{}, attempts, context.DeadlineExceeded
	}
	return Message{}, attempts, failure(Message{}, err)
}

// over reports whether a context's deadline has come, which the node's clock may tell
// before the context does.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < time.Millisecond
}

// A failedCall is a *CallError, and for errors.As an *RPCError too, if there is a
// code.
type failedCall struct {
	*CallError
	rpc *RPCError
}

// failure is what a call's error is to the user, given the reply if there was one.
func failure(reply Message, err error) error {
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

// answerTo is the reply to a request whose handler has failed.
func answerTo(err error) *RPCError {
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

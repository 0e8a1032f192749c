package main

import (
	"context"
	"strconv"
	"time"

	"github.com/eddyrpc/eddy"
)

// echo answers with the request's own fields.
func echo(_ context.Context, req *eddy.Request) (any, error) {
	return nil, req.ReplyAs("echo_ok", req.Body)
}

// relay calls the target with the payload and answers with the reply, or with
// an error if every attempt met silence:
//
//	{"type":"relay","target":"n2","payload":{"type":"read"}}
//	{"type":"relay_ok","attempts":1,"result":{"type":"read_ok","value":3,...}}
//
// timeout_ms and max_retries in the request go over the policy.
func relay(policy *eddy.Policy) eddy.Handler {
	return func(_ context.Context, req *eddy.Request) (any, error) {
		target, payload, err := destination(req.Body)
		if err != nil {
			return nil, err
		}
		policy, err := override(policy, req.Body)
		if err != nil {
			return nil, err
		}
		req.Call(target, payload, policy, relayed)
		return eddy.Later, nil
	}
}

// relayed answers a relay whose call has ended. Any reply is a result, an error
// reply too.
func relayed(req *eddy.Request, reply eddy.Message, attempts int, err error) {
	if reply.Body == nil {
		req.Fail(err)
		return
	}
	req.Reply(relayOK(attempts, reply.Body))
}

func relayOK(attempts int, result eddy.Raw) eddy.Raw {
	body := make([]byte, 0, 64+len(result))
	body = append(body, `{"type":"relay_ok","attempts":`...)
	body = strconv.AppendInt(body, int64(attempts), 10)
	body = append(body, `,"result":`...)
	return append(append(body, result...), '}')
}

// destination reads whom to call with what.
func destination(body eddy.Raw) (target string, payload eddy.Raw, err error) {
	target, _ = body.Get("target").Text()
	if target == "" {
		return "", nil, malformed("target must be a node's name, a string that is not empty")
	}
	payload = body.Get("payload")
	if len(payload) == 0 || payload[0] != '{' {
		return "", nil, malformed("payload must be an object with a type")
	}
	if typ := payload.Get("type"); len(typ) < len(`"t"`) || typ[0] != '"' {
		return "", nil, malformed("payload.type must be a string that is not empty")
	}
	return target, payload, nil
}

// override is the policy with what the request sets of it.
func override(policy *eddy.Policy, body eddy.Raw) (*eddy.Policy, error) {
	timeout, retries := body.Get("timeout_ms"), body.Get("max_retries")
	if timeout == nil && retries == nil {
		return policy, nil
	}
	own := *policy
	if timeout != nil {
		ms, ok := timeout.Int()
		if !ok || ms < 1 || ms > 3_600_000 {
			return nil, malformed("timeout_ms must be an integer from 1 to 3600000, in milliseconds")
		}
		own.Timeout = time.Duration(ms) * time.Millisecond
	}
	if retries != nil {
		n, ok := retries.Int()
		if !ok || n < 1 || n > 1000 {
			return nil, malformed("max_retries must be an integer from 1 to 1000, the attempts in all")
		}
		own.Attempts = int(n)
	}
	return &own, nil
}

func malformed(text string) error { return eddy.Errorf(eddy.MalformedRequest, "%s", text) }

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/eddyrpc/eddy"
)

// echo replies with the request's own fields.
func echo(_ context.Context, req *eddy.Request) (any, error) {
	return nil, req.ReplyAs("echo_ok", req.Body)
}

// relay calls the target with the payload and replies with the result, or with an error
// if all attempts timed out:
//
//	{"type":"relay","target":"n2","payload":{"type":"read"}}
//	{"type":"relay_ok","attempts":1,"result":{"type":"read_ok","value":3,...}}
//
// timeout_ms and max_retries in the request take precedence over the policy. timeout_ms
// is the timeout of every attempt.
func relay(policy *eddy.Policy) eddy.Handler {
	variants := variants{}
	return func(ctx context.Context, req *eddy.Request) (any, error) {
		j, err := readJob(req.Body)
		if err != nil {
			return nil, err
		}
		policy, err := variants.of(policy, &j)
		if err != nil {
			return nil, err
		}
		err = req.Call(ctx, j.target, j.payload, policy, relayed)
		if err != nil {
			return nil, failure(0, err)
		}
		return eddy.Later, nil
	}
}

// relayed replies to a relay whose call has ended. Every reply is a result, also an error
// reply.
func relayed(r eddy.Result) {
	req := r.Request()
	if r.Reply.Body == nil {
		req.Fail(failure(r.Attempts, r.Err))
		return
	}
	var small [256]byte
	if err := req.ReplyAs("relay_ok", appendResult(small[:0], r.Attempts, r.Reply.Body)); err != nil {
		req.Fail(fmt.Errorf("cannot pass on the result: %w", errors.Unwrap(err)))
	}
}

// failure returns the error for a call without a reply. If its payload could not be sent,
// the request was malformed.
func failure(attempts int, err error) error {
	if attempts > 0 {
		return err
	}
	if _, coded := errors.AsType[eddy.Code](err); coded {
		return err
	}
	return malformed(strings.Replace(errors.Unwrap(err).Error(), "body.", "payload.", 1))
}

func appendResult(body eddy.Raw, attempts int, reply eddy.Raw) eddy.Raw {
	body = append(body, `{"attempts":`...)
	body = strconv.AppendInt(body, int64(attempts), 10)
	body = append(append(body, `,"result":`...), reply...)
	return append(body, '}')
}

// A job is the content of a relay request.
type job struct {
	target              string
	payload             eddy.Raw
	timeout, maxRetries eddy.Raw // nil if not given
}

func readJob(body eddy.Raw) (j job, err error) {
	for name, value := range body.Members() {
		switch string(name) {
		case "target":
			j.target, _ = value.Text()
		case "payload":
			j.payload = value
		case "timeout_ms":
			j.timeout = value
		case "max_retries":
			j.maxRetries = value
		}
	}
	switch {
	case j.target == "" || strings.ContainsRune(j.target, utf8.RuneError): // the escape of a lone surrogate would become another name
		return j, malformed("target must be the name of a node, a string that is not empty")
	case len(j.payload) == 0 || j.payload[0] != '{':
		return j, malformed("payload must be an object with a type")
	case !typed(j.payload):
		return j, malformed("payload.type must be a string that is not empty")
	}
	return j, nil
}

// typed reports whether the payload has a type. Most payloads have it first.
func typed(payload eddy.Raw) bool {
	if first, ok := bytes.CutPrefix(payload, []byte(`{"type":"`)); ok {
		return first[0] != '"'
	}
	typ := payload.Get("type")
	return len(typ) > len(`""`) && typ[0] == '"'
}

func malformed(text string) error { return eddy.Errorf(eddy.MalformedRequest, "%s", text) }

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
// timeout_ms and max_retries in the request go over the policy; the first makes
// every attempt wait that long.
func relay(policy *eddy.Policy) eddy.Handler {
	own := overrides{}
	return func(_ context.Context, req *eddy.Request) (any, error) {
		o, err := readOrder(req.Body)
		if err != nil {
			return nil, err
		}
		policy, err := own.of(policy, &o)
		if err != nil {
			return nil, err
		}
		req.Call(o.target, o.payload, policy, relayed)
		return eddy.Later, nil
	}
}

// relayed answers a relay whose call has ended. Any reply is a result, an error
// reply too.
func relayed(req *eddy.Request, reply eddy.Message, attempts int, err error) {
	if reply.Body == nil {
		req.Fail(failure(attempts, err))
		return
	}
	var small [256]byte
	if err := req.ReplyAs("relay_ok", appendResult(small[:0], attempts, reply.Body)); err != nil {
		req.Fail(fmt.Errorf("the result can't be passed on: %w", errors.Unwrap(err)))
	}
}

// failure is the answer for a call without a reply. If its payload could not even
// be sent, that was the requester's mistake.
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

// An order is what a relay's body asks for.
type order struct {
	target              string
	payload             eddy.Raw
	timeout, maxRetries eddy.Raw // nil if not given
}

func readOrder(body eddy.Raw) (o order, err error) {
	for name, value := range body.Members() {
		switch string(name) {
		case "target":
			o.target, _ = value.Text()
		case "payload":
			o.payload = value
		case "timeout_ms":
			o.timeout = value
		case "max_retries":
			o.maxRetries = value
		}
	}
	switch {
	case o.target == "" || strings.ContainsRune(o.target, utf8.RuneError): // or a lone surrogate's escape would name another node
		return o, malformed("target must be a node's name, a string that is not empty")
	case len(o.payload) == 0 || o.payload[0] != '{':
		return o, malformed("payload must be an object with a type")
	case !typed(o.payload):
		return o, malformed("payload.type must be a string that is not empty")
	}
	return o, nil
}

// typed tells whether the payload has a type. Most have it first.
func typed(payload eddy.Raw) bool {
	if first, ok := bytes.CutPrefix(payload, []byte(`{"type":"`)); ok {
		return first[0] != '"'
	}
	typ := payload.Get("type")
	return len(typ) > len(`""`) && typ[0] == '"'
}

func malformed(text string) error { return eddy.Errorf(eddy.MalformedRequest, "%s", text) }

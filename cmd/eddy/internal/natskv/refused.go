package natskv

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/eddyrpc/eddy"
)

// errorReply returns the error reply to an operation that failed with err. The reply is
// definite if surely no server has stored anything.
func errorReply(ctx context.Context, err error) error {
	var refused *jetstream.APIError
	switch {
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		return eddy.Errorf(eddy.TemporarilyUnavailable, "JetStream has no leader now")
	case errors.Is(context.Cause(ctx), errNoPermission):
		return eddy.Errorf(eddy.TemporarilyUnavailable, "JetStream: %v", context.Cause(ctx))
	case errors.Is(err, nats.ErrMaxPayload):
		return eddy.Errorf(eddy.MalformedRequest, "JetStream: the value is longer than the server allows")
	case errors.As(err, &refused) && refusals[refused.ErrorCode] != 0:
		return eddy.Errorf(refusals[refused.ErrorCode], "JetStream: %s", refused.Description)
	}
	return eddy.Errorf(eddy.Timeout, "JetStream: %v", err)
}

// refusals are the errors with which a leader refuses a message before it passes the message
// to its replicas, and the codes for them. After another error, such as 10077 (it could not be
// stored), a replica may have the message.
var refusals = map[jetstream.ErrorCode]eddy.Code{
	10002: eddy.TemporarilyUnavailable, // the account has used up its resources
	10008: eddy.TemporarilyUnavailable, // the cluster is not available
	10009: eddy.TemporarilyUnavailable, // not the leader
	10023: eddy.TemporarilyUnavailable, // the server has used up its resources
	10054: eddy.MalformedRequest,       // the message is too long
	10076: eddy.TemporarilyUnavailable, // JetStream is not enabled
	10097: eddy.MalformedRequest,       // the header is too long
	10109: eddy.TemporarilyUnavailable, // the stream is sealed
}

var errNoPermission = errors.New("no permission")

// permissions tell an operation that the server has refused its message for lack of a
// permission. The server says so without naming the operation, only the subject.
type permissions struct {
	mu      sync.Mutex
	waiting map[*operation]bool
}

type operation struct {
	key    string // as a server quotes the end of the subject of its messages
	cancel context.CancelCauseFunc
}

// begin begins an operation on the key of a bucket. Its context ends with errNoPermission if
// the server refuses one of its messages.
func (p *permissions) begin(ctx context.Context, bucket, key string) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	o := &operation{key: bucket + "." + key + `"`, cancel: cancel}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == nil {
		p.waiting = map[*operation]bool{}
	}
	p.waiting[o] = true
	return ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.waiting, o)
		cancel(nil)
	}
}

// failed handles an error of the connection.
func (p *permissions) failed(err error) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for o := range p.waiting {
		if strings.HasSuffix(err.Error(), o.key) {
			o.cancel(errNoPermission)
		}
	}
}

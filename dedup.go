package eddy

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"github.com/eddyrpc/eddy/internal/check"
	"github.com/eddyrpc/eddy/internal/dedup"
	"github.com/eddyrpc/eddy/internal/wire"
)

// A Dedup lets a call have its effect once, however many of its attempts arrive. It keeps the
// reply to each call and gives it to every later attempt of this call. An attempt that arrives
// while another one is being served waits for that one's reply. Calls are told apart by their
// call id, which a caller sends whose policy says CallID. A request without a call id is
// served every time, unless ByMsgID is set.
//
// No call is served again within Window of its latest attempt or its reply. The table is in
// memory and bounded. An attempt of a call whose reply it has forgotten gets an error reply with
// code Timeout and text "stale", because the call may have had its effect. The table remembers
// some 25,000 callers of the latest Window. If it has no room for one more, the call of a caller
// that it does not know gets TemporarilyUnavailable. When the node restarts, the table is empty.
// A reply with code TemporarilyUnavailable is not kept: it says that nothing was done.
//
// The zero value is ready. Set the fields before the first use. All handlers of a node may
// share one:
//
//	var dedup eddy.Dedup
//	node.Handle("add", dedup.Handler(add))
type Dedup struct {
	// MaxReplies is how many replies are kept. 0 means 100,000.
	MaxReplies int
	// MaxBytes is how much memory the table may take, half of it for callers. 0 means
	// 16 MiB, the least is 64 KiB. The table never forgets calls that are being served,
	// but counts their memory.
	MaxBytes int
	// Window is how long the table remembers a caller. No message may be on its way for
	// longer. 0 means 10 minutes.
	Window time.Duration
	// ByMsgID makes a request without a call id the same call as an earlier one with the
	// same src, msg_id and body. This finds what the network has duplicated. It does not
	// find a retry, which has another msg_id.
	ByMsgID bool

	mu         sync.Mutex
	table      dedup.Table[*Request]
	duplicates int64
}

var (
	errStale = &Error{Code: Timeout, Text: "stale"}
	errFull  = &Error{Code: TemporarilyUnavailable, Text: "too many callers"}
)

// Handler returns a handler that runs h once for each call. It panics if h is nil or a field
// is invalid.
func (d *Dedup) Handler(h Handler) Handler {
	check.Must(check.NotNil("the handler of a Dedup", h), d.limits().Validate())
	return func(ctx context.Context, req *Request) (any, error) {
		id, ok := d.idOf(req)
		if !ok {
			return h(ctx, req)
		}
		state, first, reply := d.begin(id, req)
		switch state {
		case dedup.Stale:
			return nil, errStale
		case dedup.Full:
			return nil, errFull
		case dedup.Replied:
			return nil, req.replyFields(reply)
		case dedup.Served:
			return Later, nil // it waits for the reply to the first request
		}
		if state == dedup.New && !req.notify(func(fields []byte) { d.replied(first, fields) }) {
			d.replied(first, nil) // it came before this, and is not known
		}
		return h(ctx, req)
	}
}

// Duplicates returns how many attempts arrived of calls that the table knew.
func (d *Dedup) Duplicates() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.duplicates
}

// bodySeed makes hashes of bodies that nobody can foresee.
var bodySeed = maphash.MakeSeed()

func (d *Dedup) idOf(r *Request) (id dedup.ID, ok bool) {
	if r.OneWay() {
		return id, false
	}
	text, _ := r.Body.Get("call").Text()
	if id, ok := dedup.ParseCallID(r.Src, text); ok {
		return id, true
	}
	id = dedup.ID{CallerKey: dedup.CallerKey{Src: r.Src}, Number: uint64(r.ID), Body: maphash.Bytes(bodySeed, r.Body)}
	return id, d.ByMsgID
}

func (d *Dedup) begin(id dedup.ID, req *Request) (dedup.State, *dedup.Call[*Request], []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	state, first, reply := d.table.Begin(id, req, time.Now(), d.limits())
	if state == dedup.Served {
		req.hold()
	}
	if state == dedup.Served || state == dedup.Replied {
		d.duplicates++
	}
	return state, first, reply
}

func (d *Dedup) limits() dedup.Limits {
	return dedup.Limits{MaxReplies: d.MaxReplies, MaxBytes: d.MaxBytes, Window: d.Window}.WithDefaults()
}

// replied takes the encoded fields of the reply to a call, nil if the node has ended before
// it, and gives them to the requests that wait for them.
func (d *Dedup) replied(call *dedup.Call[*Request], fields []byte) {
	var waiting []*Request
	now := time.Now()
	code, isError := wire.ErrorCode(fields)
	d.mu.Lock()
	switch {
	case fields == nil: // the call may have had its effect
		waiting = d.table.Forget(call, false, now, d.limits())
	case isError && Code(code) == TemporarilyUnavailable:
		waiting = d.table.Forget(call, true, now, d.limits())
	default:
		waiting = d.table.Reply(call, fields, now, d.limits())
	}
	d.mu.Unlock()
	for _, req := range waiting {
		if fields != nil {
			req.replyFields(fields)
		} else {
			req.Fail(errStale)
		}
		req.release(false)
	}
}

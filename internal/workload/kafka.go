package workload

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
)

// kafka is the workload in which clients append messages to logs, poll the logs, and
// commit how far they have read. Each key has a log.
//
//	{"type":"send","key":"7","msg":3}
//	{"type":"send_ok","offset":1000}
//	{"type":"poll","offsets":{"7":1000,"9":0}}
//	{"type":"poll_ok","msgs":{"7":[[1000,3],[1001,4]],"9":[[5,1]]}}
//	{"type":"commit_offsets","offsets":{"7":1001,"9":5}}
//	{"type":"commit_offsets_ok"}
//	{"type":"list_committed_offsets","keys":["7","9"]}
//	{"type":"list_committed_offsets_ok","offsets":{"7":1001}}
//
// Keys are strings of integers. Messages are integers, different ones for each key.
// Offsets are integers from 0 to 2^63-2, which ascend within a log and may have gaps.
// The reply to a poll has messages from the given offsets on, as many as the node
// likes, and may lack keys. The list lacks keys without a committed offset.
//
// A new client begins with an assign: it lists the committed offsets of some keys,
// and then polls each key from its committed offset on, or from 0 if there is none.
// Then it sends and polls, each half of the time. A poll asks for all assigned keys,
// from the offset after the last message of the key that it got. After a poll that
// returned something, the client commits the greatest offset of each key. One request
// in 16 is another assign. An assign is of one key, and every second one also of the
// keys with messages that were sent and not polled. A client forgets the keys that it
// is not assigned any more. One request in 32 finds that the client has crashed: a
// new client, which knows nothing, takes its place.
//
// There are --key-count (10) keys at a time. Each is used twice as often as the one
// before. After --max-writes-per-key (16) sends a new key takes the place of the old
// one.
//
// After all faults, clients poll every node from the beginning of all logs until it
// has returned all messages that were acknowledged or polled, and list the committed
// offsets of all keys until the acknowledged ones are there, for at most 10 s.
//
// An error with a definite code means that a request had no effect. Every request
// must get a reply (`no-reply`), except during a fault and until 2 s after it.
//
// A node may keep the greatest committed offset or the latest one. Its list may be
// older than that of another node, as it is with seq-kv, but must not go back.
type kafka struct {
	env       Env
	active    *activeKeys
	logs      []log // by key
	readers   map[string]*finalReader
	committed int // how often a client began at a committed offset
}

// A log is what is known of the log of a key.
type log struct {
	sends     int64 // how many were requested
	highest   int64 // the greatest offset that was acknowledged or polled, or -1
	polled    int64 // the greatest offset that was polled, or -1
	committed int64 // the offset of the latest acknowledged commit, or -1
	greatest  int64 // the greatest offset of an acknowledged commit, or -1
}

const assignEvery, crashEvery = 16, 32 // requests of a client

func newKafka(env Env) Workload {
	return &kafka{
		env: env, readers: map[string]*finalReader{},
		active: newActiveKeys(env.Rand, env.Txn.KeyCount, env.Txn.MaxWritesPerKey),
	}
}

func (*kafka) Setup() []Request { return nil }

// Next is not called, because clients have sessions.
func (w *kafka) Next(node string) Request {
	req, _ := w.NewSession(node).Next()
	return req
}

// NewSession returns the session of a new client, which is assigned no keys.
func (w *kafka) NewSession(string) Session { return &consumer{load: w} }

// log returns the log of a key.
func (w *kafka) log(key int64) *log {
	for int64(len(w.logs)) <= key {
		w.logs = append(w.logs, log{highest: -1, polled: -1, committed: -1, greatest: -1})
	}
	return &w.logs[key]
}

// send returns a request that appends the next message to the log of a key.
func (w *kafka) send() Request {
	key := w.active.pick()
	w.active.written(key)
	l := w.log(key)
	l.sends++
	return Request{
		F: "send", Key: key, Value: fmt.Append(nil, l.sends), Type: "send", Want: "send_ok",
		Body: fmt.Appendf(nil, `{"type":"send","key":"%d","msg":%d}`, key, l.sends),
	}
}

func (w *kafka) Final(node string) Request {
	r := w.readers[node]
	if r == nil {
		r = &finalReader{load: w}
		w.readers[node] = r
	}
	return r.next()
}

// Settled reports whether the readers of all nodes have read everything.
func (w *kafka) Settled(ops []history.Op) bool {
	for i := range ops {
		if r := w.readers[ops[i].Node]; r == nil || !r.done() {
			return false
		}
	}
	return true
}

func (w *kafka) Read(req *Request, body []byte) (jsontext.Value, error) {
	switch req.F {
	case "send":
		return w.readSend(req, body)
	case "poll":
		return w.readPoll(req, body)
	case "commit_offsets":
		return nil, w.readCommit(req, body)
	}
	return w.readList(req, body)
}

func (w *kafka) readSend(req *Request, body []byte) (jsontext.Value, error) {
	value, err := only(req, body, "offset")
	if err != nil {
		return nil, err
	}
	offset, err := checker.ParseOffset(value)
	if err != nil {
		return nil, err
	}
	l := w.log(req.Key)
	l.highest = max(l.highest, offset)
	return value, nil
}

func (w *kafka) readPoll(req *Request, body []byte) (jsontext.Value, error) {
	msgs, err := only(req, body, "msgs")
	if err != nil {
		return nil, err
	}
	polled, err := checker.ParsePolled(msgs)
	if err != nil {
		return nil, err
	}
	for _, p := range polled {
		if !req.asksFor(p.Key) {
			return nil, fmt.Errorf("its msgs have key %d, which the request does not have", p.Key)
		}
	}
	for _, p := range polled {
		l := w.log(p.Key)
		for _, e := range p.Entries {
			l.polled, l.highest = max(l.polled, e.Offset), max(l.highest, e.Offset)
		}
	}
	req.reader.polled(req.keys, polled)
	return msgs, nil
}

// readCommit records that a commit was acknowledged.
func (w *kafka) readCommit(req *Request, body []byte) error {
	if err := closed(req, body); err != nil {
		return err
	}
	offsets, err := checker.ParseOffsets(req.Value)
	for _, o := range offsets {
		l := w.log(o.Key)
		l.committed, l.greatest = o.Offset, max(l.greatest, o.Offset)
	}
	return err
}

func (w *kafka) readList(req *Request, body []byte) (jsontext.Value, error) {
	value, err := only(req, body, "offsets")
	if err != nil {
		return nil, err
	}
	offsets, err := checker.ParseOffsets(value)
	if err != nil {
		return nil, err
	}
	for _, o := range offsets {
		if !req.asksFor(o.Key) {
			return nil, fmt.Errorf("its offsets have key %d, which the request does not have", o.Key)
		}
	}
	req.reader.listed(req.keys, offsets)
	return value, nil
}

func (w *kafka) Check(r Record) ([]checker.Problem, []checker.Number) {
	problems, numbers := checker.Kafka(r.History, w.env.Nodes)
	numbers = append(numbers, checker.Number{Name: "assigns at a committed offset", Value: w.committed})
	return append(problems, missingReplies(r, checker.FaultPeriodsOf(r.Journal).Overlap)...), numbers
}

func (*kafka) ExpectsError(*history.Op) bool { return false }

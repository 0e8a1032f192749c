package testnode

import (
	"bufio"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// A bugRelay is a relay with one bug or none. It makes three attempts of 500 ms.
type bugRelay struct {
	p   *program.Process
	bug string

	mu     sync.Mutex
	id     string
	next   int64
	calls  map[int64]*bugCall // by the msg_id of an attempt
	total  int
	last   string // the result of the latest call
	kept   []*bugCall
	target map[string]*bugCall // the latest call to a target
}

type bugCall struct {
	client   string
	id       int64
	target   string
	payload  string
	ids      []int64
	attempts int
	done     bool
}

const (
	bugTimeout  = 500 * time.Millisecond
	bugAttempts = 3
)

// leakAfter is the number of calls after which the relay with the bug leak fails.
const leakAfter = 10_000

// RelayBugs are the bugs of relays. At least one of the checks in CaughtBy must find the bug.
// The relay without a bug must pass.
var RelayBugs = []struct{ Name, Does, CaughtBy string }{
	{"none", "has no bug", ""},
	{"leak", "does not reply after many calls", "no-reply"},
	{"forgetful", "does not reply if it got no reply", "no-reply"},
	{"reused-id", "sends every attempt with the first one's msg_id", "reused-id"},
	{"extra-attempt", "makes one attempt too many", "too-many-attempts"},
	{"double-reply", "replies twice", "double-reply"},
	{"late-lost", "accepts a reply only to the latest attempt", "reply-lost"},
	{"wrong-count", "counts one attempt too few", "wrong-count"},
	{"always-one", "always says that it made one attempt", "wrong-count"},
	{"any-src", "accepts a reply from any node", "unmatched-reply"},
	{"any-id", "accepts a reply to any id from the target", "unmatched-reply"},
	{"early", "gives up after two attempts", "gave-up-early"},
	{"no-last-wait", "gives up when the last attempt is sent", "error-too-soon"},
	{"impatient", "waits half of the time", "attempt-too-soon"},
	{"made-up", "replies with an older result if it got no reply", "wrong-result"},
	{"swapped", "takes every reply as one to the target's latest call", "wrong-result unmatched-reply"},
	{"goes-on", "continues with its attempts after the reply", "attempt-after-reply"},
	{"wrong-target", "sends its second attempt to itself", "wrong-target"},
	{"no-retry", "makes one attempt with a long timeout", "gave-up-early"},
	{"changes", "changes the payload", "unrelated-request"},
	{"ignores-first", "ignores replies to the first attempt", "reply-ignored"},
	{"definite", "fails with a definite code", "false-definite"},
	{"slow", "waits twice as long as it should", "attempt-too-late"},
	{"holds", "delays its replies by a second", "reply-delayed"},
	{"refuses", "refuses nine of ten requests for no reason", "too-many-errors"},
}

// RareRelayBugs are further bugs, which a short test may not find.
var RareRelayBugs = []Bug{
	{Workload: "relay", Name: "rarely-swapped", Does: "returns the result of the call before, 1 of 500"},
	{Workload: "relay", Name: "rarely-lost", Does: "does not reply, 1 of 500"},
	{Workload: "relay", Name: "rarely-twice", Does: "replies twice, 1 of 500"},
	{Workload: "relay", Name: "rarely-miscounted", Does: "counts one attempt too many, 1 of 500"},
	{Workload: "relay", Name: "rarely-again", Does: "makes a second attempt after the reply, 1 of 500"},
	{Workload: "relay", Name: "holds-40", Does: "delays 40 % of its replies by 3 s"},
	{Workload: "relay", Name: "long", Does: "cuts payloads after 64 KiB"},
}

// Relay returns a relay with one bug or none.
func Relay(bug string) func(*program.Process) {
	return func(p *program.Process) { newBugRelay(p, bug).serve() }
}

func newBugRelay(p *program.Process, bug string) *bugRelay {
	return &bugRelay{p: p, bug: bug, calls: map[int64]*bugCall{}, target: map[string]*bugCall{}}
}

func (r *bugRelay) serve() {
	lines := bufio.NewScanner(r.p.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var m Message
		if err := json.Unmarshal(lines.Bytes(), &m, jsontext.AllowDuplicateNames(true)); err != nil {
			continue
		}
		_, m.Raw, _ = strings.Cut(lines.Text(), `"body":`)
		m.Raw = strings.TrimSuffix(m.Raw, "}")
		r.mu.Lock()
		r.take(m)
		r.mu.Unlock()
	}
}

func (r *bugRelay) take(m Message) {
	switch {
	case m.Body.InReplyTo != nil:
		r.settle(m)
	case m.Body.Type == "init":
		r.id = m.Body.NodeID
		r.write(m.Src, r.fresh(), `"type":"init_ok"`, m.Body.MsgID)
	case m.Body.Type == "echo":
		r.write(m.Src, r.fresh(), `"type":"echo_ok","echo":`+string(m.Body.Echo), m.Body.MsgID)
	case m.Body.Type == "relay":
		r.relay(m)
	}
}

func (r *bugRelay) fresh() int64 {
	r.next++
	return r.next - 1
}

// write writes a message. inReplyTo is -1 if it is not a reply.
func (r *bugRelay) write(dest string, id int64, fields string, inReplyTo int64) {
	if inReplyTo >= 0 {
		fields += fmt.Sprintf(`,"in_reply_to":%d`, inReplyTo)
	}
	r.p.Printf(`{"src":%q,"dest":%q,"body":{%s,"msg_id":%d}}`+"\n", r.id, dest, fields, id)
}

func (r *bugRelay) relay(m Message) {
	c := &bugCall{client: m.Src, id: m.Body.MsgID, target: m.Body.Target, payload: string(m.Body.Payload)}
	r.total++
	if r.bug == "leak" {
		if r.total > leakAfter {
			return
		}
		r.kept = append(r.kept, c)
	}
	if r.bug == "long" && len(c.payload) > 1<<16 {
		c.payload = c.payload[:1<<16] + `"}`
	}
	if r.bug == "changes" {
		c.payload = strings.Replace(c.payload, "relay ", "relay 1", 1)
	}
	if r.bug == "refuses" && r.total%10 != 0 {
		r.write(c.client, r.fresh(), `"type":"error","code":11,"text":"busy"`, c.id)
		return
	}
	r.target[c.target] = c
	r.attempt(c)
}

func (r *bugRelay) attempt(c *bugCall) {
	c.attempts++
	id := int64(0)
	if r.bug == "reused-id" && c.attempts > 1 {
		id = c.ids[0]
	} else {
		id = r.fresh()
	}
	c.ids = append(c.ids, id)
	r.calls[id] = c
	dest := c.target
	if r.bug == "wrong-target" && c.attempts == 2 {
		dest = r.id
	}
	r.write(dest, id, strings.Trim(c.payload, "{}"), -1)

	wait, most := bugTimeout, bugAttempts
	switch r.bug {
	case "slow":
		wait *= 2
	case "impatient":
		wait /= 2
	case "early":
		most = 2
	case "extra-attempt":
		most = 4
	case "no-retry":
		wait, most = bugTimeout*bugAttempts, 1
	case "no-last-wait":
		if c.attempts == most {
			wait = 0
		}
	}
	r.p.After(wait, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		switch {
		case c.done && r.bug == "goes-on" && c.attempts < most:
			r.attempt(c)
		case c.done:
		case c.attempts < most:
			r.attempt(c)
		default:
			r.fail(c)
		}
	})
}

func (r *bugRelay) fail(c *bugCall) {
	r.end(c)
	switch {
	case r.bug == "forgetful":
	case r.bug == "made-up" && r.last != "":
		r.answer(c, r.last)
	case r.bug == "definite":
		r.write(c.client, r.fresh(), `"type":"error","code":14,"text":"no reply"`, c.id)
	default:
		r.write(c.client, r.fresh(), `"type":"error","code":0,"text":"no reply"`, c.id)
	}
}

func (r *bugRelay) end(c *bugCall) {
	c.done = true
	for _, id := range c.ids {
		delete(r.calls, id)
	}
}

// settle handles a reply.
func (r *bugRelay) settle(m Message) {
	c := r.calls[*m.Body.InReplyTo]
	switch r.bug {
	case "any-id", "swapped":
		if latest := r.target[m.Src]; latest != nil && !latest.done && (c == nil || r.bug == "swapped") {
			c = latest
		}
	}
	if c == nil || c.done {
		return
	}
	if m.Src != c.target && r.bug != "any-src" && r.bug != "wrong-target" {
		return
	}
	if r.bug == "late-lost" && *m.Body.InReplyTo != c.ids[len(c.ids)-1] {
		return
	}
	if r.bug == "ignores-first" && c.attempts == 1 {
		return
	}
	r.end(c)
	before := r.last
	r.last = m.Raw
	if r.bug == "rarely-swapped" && before != "" && r.p.Random.IntN(500) == 0 {
		m.Raw = before
	}
	if r.bug == "rarely-lost" && r.p.Random.IntN(500) == 0 {
		return
	}
	if r.bug == "holds" || r.bug == "holds-40" && r.p.Random.IntN(10) < 4 {
		wait := time.Second
		if r.bug == "holds-40" {
			wait *= 3
		}
		r.p.After(wait, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.answer(c, m.Raw)
		})
		return
	}
	r.answer(c, m.Raw)
	switch {
	case r.bug == "double-reply", r.bug == "rarely-twice" && r.p.Random.IntN(500) == 0:
		r.answer(c, m.Raw)
	case r.bug == "rarely-again" && r.p.Random.IntN(500) == 0:
		r.attempt(c)
	}
}

func (r *bugRelay) answer(c *bugCall, result string) {
	attempts := c.attempts
	switch r.bug {
	case "wrong-count":
		attempts = max(1, attempts-1)
	case "always-one":
		attempts = 1
	case "rarely-miscounted":
		if r.p.Random.IntN(500) == 0 {
			attempts++
		}
	}
	r.write(c.client, r.fresh(), fmt.Sprintf(`"type":"relay_ok","attempts":%d,"result":%s`, attempts, result), c.id)
}

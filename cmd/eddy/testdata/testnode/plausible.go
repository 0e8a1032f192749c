package testnode

import (
	"bufio"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// A Bug is a bug that a node may have. docs/workloads.md says in how many tests it is
// found.
type Bug struct {
	Workload, Name string
	Does           string                 // what the node does
	Flags          string                 // of the test, beside the workload and the program
	Better         string                 // flags that find it if those do not
	Run            func(*program.Process) // the node
}

// Bugs returns the bugs of all workloads.
func Bugs() []Bug {
	return slices.Concat(echoBugs, uniqueIDBugs, broadcastBugs, linKVBugs)
}

// WithoutBug returns the nodes of Bugs without their bugs.
func WithoutBug() []Bug {
	return []Bug{
		echoBug("none", "", echoes),
		idBug("none", "", "--nemesis kill", "", func(p *Peer) func() any {
			began, n := time.Now().UnixNano(), 0
			return func() any { n++; return fmt.Sprintf("%s-%d-%d", p.id, began, n) }
		}),
		broadcastBug("none", "", "--nemesis kill,partition --loss 0.05", ""),
		linKVBug("none", "", "--nemesis kill", ""),
	}
}

// A body is the body of a message that a Peer has read.
type body map[string]jsontext.Value

func (b body) text(name string) string {
	var s string
	json.Unmarshal(b[name], &s)
	return s
}

func (b body) number(name string) int64 {
	n, _ := strconv.ParseInt(string(b[name]), 10, 64)
	return n
}

// fields returns the body without type and ids, as the inside of an object.
func (b body) fields() string {
	var all []string
	for name, value := range b {
		if name != "type" && name != "msg_id" && name != "in_reply_to" {
			all = append(all, fmt.Sprintf("%q:%s", name, value))
		}
	}
	return strings.Join(all, ",")
}

// A request is a message that a Peer has read.
type request struct {
	src  string
	id   int64
	typ  string
	body body
}

// A Peer is a node that can call other nodes. Its functions run one at a time.
type Peer struct {
	p     *program.Process
	mu    sync.Mutex
	id    string
	nodes []string
	next  int64
	calls map[int64]func(body)
	kept  *request // with the bug swapped of echo
}

// serve handles messages until the end of the input. begin, unless nil, is called after
// init.
func (p *Peer) serve(begin func(), handle func(r *request)) {
	p.calls = map[int64]func(body){}
	lines := bufio.NewScanner(p.p.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var m struct {
			Src  string `json:"src"`
			Body body   `json:"body"`
		}
		if json.Unmarshal(lines.Bytes(), &m) != nil {
			continue
		}
		p.mu.Lock()
		p.take(&request{m.Src, m.Body.number("msg_id"), m.Body.text("type"), m.Body}, begin, handle)
		p.mu.Unlock()
	}
}

func (p *Peer) take(r *request, begin func(), handle func(r *request)) {
	if r.body["in_reply_to"] != nil {
		id := r.body.number("in_reply_to")
		done := p.calls[id]
		delete(p.calls, id)
		if done != nil {
			done(r.body)
		}
		return
	}
	if r.typ != "init" {
		handle(r)
		return
	}
	p.id = r.body.text("node_id")
	json.Unmarshal(r.body["node_ids"], &p.nodes)
	if begin != nil {
		begin()
	}
	p.reply(r, "init_ok", "")
}

// after calls do after some time.
func (p *Peer) after(wait time.Duration, do func()) {
	p.p.After(wait, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		do()
	})
}

// write writes a message. fields are the inside of an object.
func (p *Peer) write(dest, typ, fields string, inReplyTo, id int64) {
	if fields != "" {
		fields = "," + fields
	}
	if inReplyTo >= 0 {
		fields += fmt.Sprintf(`,"in_reply_to":%d`, inReplyTo)
	}
	p.p.Printf(`{"src":%q,"dest":%q,"body":{"type":%q%s,"msg_id":%d}}`+"\n", p.id, dest, typ, fields, id)
}

func (p *Peer) fresh() int64 {
	p.next++
	return p.next
}

func (p *Peer) reply(r *request, typ, fields string) { p.write(r.src, typ, fields, r.id, p.fresh()) }

func (p *Peer) fail(r *request, code int) {
	p.reply(r, "error", fmt.Sprintf(`"code":%d,"text":"failed"`, code))
}

// call sends a request and calls done with the reply.
func (p *Peer) call(dest, typ, fields string, done func(body)) {
	id := p.fresh()
	p.calls[id] = done
	p.write(dest, typ, fields, -1, id)
}

// others returns the other nodes.
func (p *Peer) others() (all []string) {
	for _, node := range p.nodes {
		if node != p.id {
			all = append(all, node)
		}
	}
	return all
}

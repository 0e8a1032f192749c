package testnode

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// A logNode is a node for workload kafka. The first node keeps all logs, and the
// others pass requests on to it. It can be changed by its kind: some kinds are
// correct, others have one bug.
type logNode struct {
	eddy.Node
	p    *program.Process
	kind string

	mu        sync.Mutex
	logs      map[string][]logMessage
	committed map[string]int64
	count     int              // requests that count calls
	polled    map[string]int64 // the greatest offset polled of each key
	copies    map[string][]logMessage
}

// A logMessage is a message in a log.
type logMessage [2]int64 // offset, message

// logRequest has the fields of all requests.
type logRequest struct {
	Type    string           `json:"type"`
	Key     string           `json:"key"`
	Msg     int64            `json:"msg"`
	Offsets map[string]int64 `json:"offsets"`
	Keys    []string         `json:"keys"`
}

func newLogNode(p *program.Process, kind string) *logNode {
	n := &logNode{p: p, kind: kind, logs: map[string][]logMessage{}, committed: map[string]int64{}, polled: map[string]int64{}, copies: map[string][]logMessage{}}
	var dedup eddy.Dedup
	for typ, serve := range map[string]func(*logRequest) (any, error){
		"send": n.send, "poll": n.poll, "commit_offsets": n.commit, "list_committed_offsets": n.list,
	} {
		here := func(_ context.Context, req *eddy.Request) (any, error) {
			var r logRequest
			if err := req.Decode(&r); err != nil {
				return nil, err
			}
			n.mu.Lock()
			defer n.mu.Unlock()
			return serve(&r)
		}
		once := dedup.Handler(here)
		n.Handle(typ, func(ctx context.Context, req *eddy.Request) (any, error) {
			switch {
			case n.keepsItself(typ):
				return here(ctx, req)
			case n.kind == "seq-kv commits" && typ == "commit_offsets":
				return n.commitToKV(ctx, req)
			case n.kind == "seq-kv commits" && typ == "list_committed_offsets":
				return n.listFromKV(ctx, req)
			case n.follows() && typ == "poll":
				return n.pollCopy(req)
			case n.ID() == n.IDs()[0]:
				return once(ctx, req)
			}
			reply, _, err := n.RPCWithRetry(ctx, n.IDs()[0], req.Body, n.policy())
			return reply.Body, err
		})
	}
	n.Handle("copy", func(context.Context, *eddy.Request) (any, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		return map[string]any{"logs": n.logs}, nil
	})
	if n.follows() {
		n.Every(50*time.Millisecond, n.copy)
	}
	return n
}

// Logs returns a node of a kind.
func Logs(kind string) func(*program.Process) {
	return func(p *program.Process) {
		n := newLogNode(p, kind)
		n.Log = p.Log()
		if kind == "disk" {
			n.load()
		}
		if err := n.Serve(p.Context, p); err != nil && p.Context.Err() == nil {
			p.Exit(1)
		}
	}
}

// keepsItself reports whether each node serves such requests by itself.
func (n *logNode) keepsItself(typ string) bool {
	switch n.kind {
	case "each its own":
		return true
	case "commits of each":
		return typ == "commit_offsets" || typ == "list_committed_offsets"
	}
	return false
}

// policy is that of requests to the first node.
func (n *logNode) policy() *eddy.Policy {
	switch n.kind {
	case "disk": // the first node does not remember calls after it was killed
		return &eddy.Policy{Attempts: 1}
	case "repeats":
		return &eddy.Policy{}
	}
	return &eddy.Policy{CallID: true}
}

// every reports whether this is the count-th request of its kind, the 2*count-th, ...
func (n *logNode) every(count int) bool {
	n.count++
	return n.count%count == 0
}

func (n *logNode) offset(index int64) int64 {
	switch n.kind {
	case "gaps":
		return 1_000_000_000_000_000 + 7*index
	case "descending":
		return 1_000_000 - index
	}
	return index
}

func (n *logNode) send(r *logRequest) (any, error) {
	log := n.logs[r.Key]
	offset := n.offset(int64(len(log)))
	entry := logMessage{offset, r.Msg}
	switch {
	case n.kind == "drops" && n.every(10):
		return map[string]any{"offset": offset}, nil
	case n.kind == "drops and counts" && n.every(10):
		entry[1] = 0 // is not returned
	case n.kind == "twice" && n.every(10):
		log = append(log, entry)
		entry[0]++
	case n.kind == "same offset" && n.every(10) && len(log) > 0:
		entry[0] = log[len(log)-1][0]
		return map[string]any{"offset": entry[0]}, nil
	case n.kind == "refuses and does" && n.every(15):
		n.logs[r.Key] = append(log, entry)
		return nil, eddy.Errorf(eddy.TemporarilyUnavailable, "busy")
	case n.kind == "prophet" && len(log) > 0 && log[len(log)-1][1] == r.Msg:
		return map[string]any{"offset": log[len(log)-1][0]}, nil
	}
	n.logs[r.Key] = append(log, entry)
	n.save(r)
	if n.kind == "string" {
		return map[string]any{"offset": fmt.Sprint(offset)}, nil
	}
	return map[string]any{"offset": offset}, nil
}

func (n *logNode) poll(r *logRequest) (any, error) {
	msgs := map[string][]logMessage{}
	if n.kind == "forgets" && n.every(40) {
		for key := range r.Offsets {
			if log := n.logs[key]; len(log) > 0 {
				n.logs[key] = log[:len(log)-1]
			}
		}
	}
	for key, from := range r.Offsets {
		if n.kind == "prophet" && n.every(10) && len(n.logs[key]) > 0 {
			last := n.logs[key][len(n.logs[key])-1]
			n.logs[key] = append(n.logs[key], logMessage{last[0] + 1, last[1] + 1})
		}
		if log := n.from(key, from); len(log) > 0 {
			msgs[key] = log
			n.polled[key] = max(n.polled[key], log[len(log)-1][0])
		}
	}
	if n.kind == "other keys" {
		msgs["12345"] = []logMessage{}
	}
	return map[string]any{"msgs": msgs}, nil
}

// from returns the messages of a log from an offset on.
func (n *logNode) from(key string, from int64) (log []logMessage) {
	switch {
	case n.kind == "begins late" && n.every(5):
		from++
	case n.kind == "from the beginning":
		from = 0
	}
	for _, m := range n.logs[key] {
		if m[0] >= from && m[1] != 0 {
			log = append(log, m)
		}
	}
	if n.kind == "descending" {
		slices.Reverse(log)
	}
	switch {
	case len(log) == 0:
	case n.kind == "gaps" || n.kind == "disk":
		log = log[:min(2, len(log))] // a page
	case n.kind == "skips" && len(log) > 2 && n.every(3):
		log = slices.Delete(log, 1, 2)
	case n.kind == "backwards" && len(log) > 1 && n.every(5):
		slices.Reverse(log)
	case n.kind == "invents" && n.every(20):
		log = append(log, logMessage{log[len(log)-1][0] + 1, 4711})
	}
	return log
}

func (n *logNode) commit(r *logRequest) (any, error) {
	if n.kind == "no commits" {
		return nil, eddy.Errorf(eddy.NotSupported, "no commits")
	}
	for key, offset := range r.Offsets {
		if n.kind != "gaps" { // where the latest commit counts
			offset = max(offset, n.committed[key])
		}
		n.committed[key] = offset
	}
	n.save(r)
	if n.kind == "refuses commits" && n.every(12) {
		return nil, eddy.Errorf(eddy.TemporarilyUnavailable, "busy")
	}
	return eddy.Raw(`{}`), nil
}

func (n *logNode) list(r *logRequest) (any, error) {
	offsets := map[string]int64{}
	for _, key := range r.Keys {
		offset, ok := n.committed[key]
		if n.kind == "commits by itself" {
			offset, ok = n.polled[key]
		}
		if !ok || n.kind == "forgets commits" && n.every(10) {
			continue
		}
		if n.kind == "next offset" {
			offset++
		}
		offsets[key] = offset
	}
	return map[string]any{"offsets": offsets}, nil
}

// commitToKV and listFromKV keep the committed offsets in seq-kv.
func (n *logNode) commitToKV(ctx context.Context, req *eddy.Request) (any, error) {
	var r logRequest
	if err := req.Decode(&r); err != nil {
		return nil, err
	}
	for key, offset := range r.Offsets {
		if _, err := eddy.SeqKV[int64](&n.Node).Update(ctx, key, func(old int64, exists bool) (int64, error) {
			return max(old, offset), nil
		}); err != nil {
			return nil, err
		}
	}
	return eddy.Raw(`{}`), nil
}

func (n *logNode) listFromKV(ctx context.Context, req *eddy.Request) (any, error) {
	var r logRequest
	if err := req.Decode(&r); err != nil {
		return nil, err
	}
	offsets := map[string]int64{}
	for _, key := range r.Keys {
		offset, err := eddy.SeqKV[int64](&n.Node).ReadOr(ctx, key, -1)
		if err != nil {
			return nil, err
		}
		if offset >= 0 {
			offsets[key] = offset
		}
	}
	return map[string]any{"offsets": offsets}, nil
}

// follows reports whether nodes serve polls from copies of the logs.
func (n *logNode) follows() bool { return n.kind == "copies" || n.kind == "copies once" }

// copy copies the logs of the first node.
func (n *logNode) copy(ctx context.Context) {
	if n.kind == "copies once" && n.ID() != n.IDs()[0] && len(n.copies) > 0 {
		return
	}
	reply, _, err := n.RPCWithRetry(ctx, n.IDs()[0], eddy.Raw(`{"type":"copy"}`), nil)
	if err != nil {
		return
	}
	var logs map[string][]logMessage
	if json.Unmarshal(reply.Body.Get("logs"), &logs) != nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for key, log := range logs {
		if len(log) > len(n.copies[key]) {
			n.copies[key] = log
		}
	}
}

func (n *logNode) pollCopy(req *eddy.Request) (any, error) {
	var r logRequest
	if err := req.Decode(&r); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	msgs := map[string][]logMessage{}
	for key, from := range r.Offsets {
		for _, m := range n.copies[key] {
			if m[0] >= from {
				msgs[key] = append(msgs[key], m)
			}
		}
	}
	return map[string]any{"msgs": msgs}, nil
}

// logFile has the changes of the first node, one per line.
const logFile = "log"

// save writes a change to the file, if the node has one. A process that was killed
// may have written the last line partly.
func (n *logNode) save(r *logRequest) {
	if n.kind != "disk" {
		return
	}
	line, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	f, err := os.OpenFile(n.p.Path(logFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := f.Write(append(append([]byte("\n"), line...), '\n')); err != nil {
		panic(err)
	}
}

// load makes the changes of the file.
func (n *logNode) load() {
	f, err := os.Open(n.p.Path(logFile))
	if err != nil {
		return // the first incarnation
	}
	defer f.Close()
	n.kind = ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r logRequest
		if json.Unmarshal(lines.Bytes(), &r) != nil {
			continue
		}
		if r.Type == "send" {
			n.send(&r)
		} else {
			n.commit(&r)
		}
	}
	n.kind = "disk"
}

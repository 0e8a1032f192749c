package shrink

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/internal/canonical"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/trialtest"
)

const ms = time.Millisecond

// integer returns an integer of a body.
func integer(m *message.Message, name string) int64 {
	n, _ := canonical.Int(message.Member(m.Body, name))
	return n
}

// stored returns a value on the disk, which is made at the first time.
func stored[T any](h *trialtest.Host, name string, fresh T) T {
	if h.Disk[name] == nil {
		h.Disk[name] = fresh
	}
	return h.Disk[name].(T)
}

// others returns the other nodes.
func others(h *trialtest.Host) []string {
	return slices.DeleteFunc(slices.Clone(h.Nodes), func(name string) bool { return name == h.Name })
}

// every calls f now and then every so often.
func every(h *trialtest.Host, wait time.Duration, f func()) {
	f()
	h.After(wait, func() { every(h, wait, f) })
}

// A set is a node of workload broadcast. The node that gets an element sends it to all
// others, until they have confirmed it.
type set struct {
	*trialtest.Host
	known   map[int64]bool
	missing map[string]map[int64]bool // by node: what it has not confirmed

	writesLate bool // a bug: it acknowledges an element 100 ms before it is on the disk
	sendsOnce  bool // a bug: it sends an element once
}

func (s *set) begin() func(*message.Message) {
	s.known, s.missing = maps.Clone(stored(s.Host, "known", map[int64]bool{})), map[string]map[int64]bool{}
	for _, name := range others(s.Host) {
		s.missing[name] = map[int64]bool{}
		if !s.sendsOnce {
			maps.Copy(s.missing[name], s.known)
		}
	}
	if !s.sendsOnce {
		every(s.Host, 150*ms, s.sendMissing)
	}
	return s.receive
}

func (s *set) sendMissing() {
	for _, name := range others(s.Host) {
		for _, v := range slices.Sorted(maps.Keys(s.missing[name])) {
			s.Send(name, `{"type":"learn","element":%d}`, v)
		}
	}
}

func (s *set) learn(v int64) {
	disk := s.Disk["known"].(map[int64]bool)
	s.known[v] = true
	if s.writesLate {
		s.After(100*ms, func() { disk[v] = true })
		return
	}
	disk[v] = true
}

func (s *set) receive(m *message.Message) {
	switch m.Type {
	case "broadcast":
		v := integer(m, "message")
		s.learn(v)
		for _, name := range others(s.Host) {
			s.missing[name][v] = true
			s.Send(name, `{"type":"learn","element":%d}`, v)
		}
		s.Reply(m, `{"type":"broadcast_ok"}`)
	case "learn":
		s.learn(integer(m, "element"))
		s.Send(m.Src, `{"type":"learned","element":%d}`, integer(m, "element"))
	case "learned":
		delete(s.missing[m.Src], integer(m, "element"))
	case "read":
		s.Reply(m, `{"type":"read_ok","messages":%s}`, strings.ReplaceAll(fmt.Sprint(slices.Sorted(maps.Keys(s.known))), " ", ","))
	default:
		s.Reply(m, `{"type":"%s_ok"}`, m.Type)
	}
}

// An issuer is a node of workload unique-ids. n1 gives each node blocks of ids.
type issuer struct {
	*trialtest.Host
	next, end int64
	waiting   []*message.Message
	asked     int64 // the number of the latest request for a block
	open      bool  // no reply to it has come

	acceptsAgain bool // a bug: a second reply to the latest request sets the block back
}

const blockSize = 20

func (i *issuer) begin() func(*message.Message) {
	i.asked = int64(i.Incarnation) << 32
	every(i.Host, 200*ms, func() {
		if i.open {
			i.askForBlock()
		}
	})
	return i.receive
}

func (i *issuer) askForBlock() {
	i.asked++
	i.open = true
	i.Send(i.Nodes[0], `{"type":"block","number":%d}`, i.asked)
}

func (i *issuer) receive(m *message.Message) {
	switch m.Type {
	case "generate":
		i.waiting = append(i.waiting, m)
	case "block":
		next := stored(i.Host, "next", new(int64))
		i.Send(m.Src, `{"type":"block_ok","number":%d,"from":%d}`, integer(m, "number"), *next)
		*next += blockSize
	case "block_ok":
		if integer(m, "number") == i.asked && (i.open || i.acceptsAgain) {
			i.open = false
			i.next = integer(m, "from")
			i.end = i.next + blockSize
		}
	}
	for len(i.waiting) > 0 && i.next < i.end {
		i.Reply(i.waiting[0], `{"type":"generate_ok","id":%d}`, i.next)
		i.next++
		i.waiting = i.waiting[1:]
	}
	if len(i.waiting) > 0 && !i.open {
		i.askForBlock()
	}
}

// A store is a node of workload lin-kv. n1 executes all operations.
type store struct {
	*trialtest.Host
	number int64
	open   map[string]*message.Message // by their keys, the requests that n1 is to execute
	heard  map[string]time.Duration    // by node: when it was heard last, by this node's ticks
	ticks  time.Duration
	cache  map[int64]string // by key: the latest value that this node has seen

	guesses bool // a bug: it replies from the cache while it hears from no other node
}

// The times of a store.
const (
	tickOfStore = 50 * ms
	deafAfter   = 250 * ms
	giveUpAfter = 200 * ms
)

func (s *store) begin() func(*message.Message) {
	s.open, s.heard, s.cache = map[string]*message.Message{}, map[string]time.Duration{}, map[int64]string{}
	every(s.Host, tickOfStore, func() {
		s.ticks += tickOfStore
		for _, name := range others(s.Host) {
			s.Send(name, `{"type":"ping"}`)
		}
	})
	return s.receive
}

// isAlone reports whether no other node was heard for some time.
func (s *store) isAlone() bool {
	for _, name := range others(s.Host) {
		if s.ticks-s.heard[name] < deafAfter {
			return false
		}
	}
	return true
}

func (s *store) receive(m *message.Message) {
	s.heard[m.Src] = s.ticks
	switch m.Type {
	case "ping":
	case "do":
		s.Send(m.Src, `{"type":"done","number":%s,"body":%s}`, message.Member(m.Body, "number"), s.execute(message.Member(m.Body, "body"), string(message.Member(m.Body, "number"))))
	case "done":
		number := string(message.Member(m.Body, "number"))
		if req := s.open[number]; req != nil {
			delete(s.open, number)
			s.reply(req, string(message.Member(m.Body, "body")))
		}
	default:
		s.serve(m)
	}
}

// serve serves a client's request.
func (s *store) serve(m *message.Message) {
	if s.Name == s.Nodes[0] {
		s.reply(m, s.execute(m.Body, ""))
		return
	}
	if cached := s.cache[integer(m, "key")]; s.guesses && m.Type == "read" && cached != "" && s.isAlone() {
		s.Reply(m, `{"type":"read_ok","value":%s}`, cached)
		return
	}
	s.number++
	number := fmt.Sprintf(`"%s-%d-%d"`, s.Name, s.Incarnation, s.number)
	s.open[number] = m
	s.Send(s.Nodes[0], `{"type":"do","number":%s,"body":%s}`, number, m.Body)
	s.After(giveUpAfter, func() {
		if s.open[number] == nil {
			return
		}
		delete(s.open, number)
		code := 13
		if m.Type == "read" {
			code = 11
		}
		s.Reply(m, `{"type":"error","code":%d}`, code)
	})
}

func (s *store) reply(m *message.Message, body string) {
	key := integer(m, "key")
	switch m.Type {
	case "read":
		if value := message.Member([]byte(body), "value"); value != nil {
			s.cache[key] = string(value)
		}
	case "write":
		s.cache[key] = string(message.Member(m.Body, "value"))
	}
	s.Reply(m, "%s", body)
}

// execute executes an operation, once if it has a number.
func (s *store) execute(body []byte, number string) string {
	done := stored(s.Host, "done", map[string]string{})
	if done[number] != "" {
		return done[number]
	}
	result := s.executeOnce(body)
	if number != "" {
		done[number] = result
	}
	return result
}

func (s *store) executeOnce(body []byte) string {
	values := stored(s.Host, "values", map[string]int64{})
	member := func(name string) int64 {
		n, _ := strconv.ParseInt(string(message.Member(body, name)), 10, 64)
		return n
	}
	key := string(message.Member(body, "key"))
	value, found := values[key]
	switch operation := message.Unquote(message.Member(body, "type")); {
	case operation == "write":
		values[key] = member("value")
		return `{"type":"write_ok"}`
	case !found:
		return `{"type":"error","code":20}`
	case operation == "read":
		return fmt.Sprintf(`{"type":"read_ok","value":%d}`, value)
	case value != member("from"):
		return `{"type":"error","code":22}`
	}
	values[key] = member("to")
	return `{"type":"cas_ok"}`
}

package export

import (
	"io"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/message"
)

// A chromeFile is a file of Chrome's trace event format.
type chromeFile struct {
	Events []chromeEvent `json:"traceEvents"`
}

// A chromeEvent is an event of it. Its times are in microseconds.
type chromeEvent struct {
	Phase    string            `json:"ph"` // M: metadata, X: complete, i: instant, s and f: begin and end of a flow
	Process  int               `json:"pid"`
	Thread   int               `json:"tid"`
	Time     float64           `json:"ts"`
	Duration *float64          `json:"dur,omitempty"`
	Name     string            `json:"name"`
	Category string            `json:"cat,omitzero"`
	ID       int               `json:"id,omitzero"` // of a flow
	Binding  string            `json:"bp,omitzero"` // e: the flow ends at the span that encloses it
	Scope    string            `json:"s,omitzero"`  // t: the instant belongs to a thread
	Args     map[string]string `json:"args,omitempty"`
}

var categories = [...]string{callKind: "call", attemptKind: "attempt", serverKind: "server", oneWayKind: "one-way", faultKind: "fault"}

// Chrome writes the test as Chrome trace JSON, which Perfetto opens. Each node is a process.
// The format demands that spans of one thread do not overlap, unless one encloses the other.
// So a node has as many threads as it had spans at the same time. An arrow leads from an
// attempt to the node that serves it.
func Chrome(w io.Writer, t *Test) error {
	trace := newTrace(t)
	c := &chrome{processes: map[string]int{}, places: make([]place, len(trace.spans))}
	for _, i := range trace.order() {
		c.add(i, &trace.spans[i])
	}
	for n, l := range trace.links {
		from, to := &trace.spans[l.from], &trace.spans[l.to]
		c.events = append(c.events,
			chromeEvent{Phase: "s", Name: "request", Category: "message", ID: n + 1, Process: c.places[l.from].process, Thread: c.places[l.from].thread, Time: micros(from.start)},
			chromeEvent{Phase: "f", Name: "request", Category: "message", ID: n + 1, Process: c.places[l.to].process, Thread: c.places[l.to].thread, Time: micros(to.start), Binding: "e"})
	}
	return json.MarshalWrite(w, &chromeFile{c.events}, jsontext.AllowInvalidUTF8(true), jsontext.WithIndent(" "), json.Deterministic(true))
}

// A place is where a span is shown.
type place struct{ process, thread int }

type chrome struct {
	events    []chromeEvent
	processes map[string]int    // by node, from 1
	threads   [][]time.Duration // by process and thread: when its latest span ends
	places    []place           // of the spans
}

func micros(at time.Duration) float64 { return float64(at) / 1000 }

// add adds a span. The spans must come in the order in which they start.
func (c *chrome) add(i int, s *span) {
	process, known := c.processes[s.node]
	if !known {
		process = len(c.processes) + 1
		c.processes[s.node] = process
		c.threads = append(c.threads, nil)
		c.events = append(c.events, chromeEvent{Phase: "M", Name: "process_name", Process: process, Args: map[string]string{"name": s.node}})
	}
	at := place{process, c.thread(process, s)}
	c.places[i] = at
	took := micros(s.end - s.start)
	c.events = append(c.events, chromeEvent{
		Phase: "X", Process: at.process, Thread: at.thread, Time: micros(s.start), Duration: &took,
		Name: s.name, Category: categories[s.kind], Args: s.args(),
	})
	for _, e := range s.events {
		c.events = append(c.events, chromeEvent{Phase: "i", Process: at.process, Thread: at.thread, Time: micros(e.at), Name: e.name, Scope: "t"})
	}
}

// thread returns the first thread of a process that is free when a span starts, from 1.
func (c *chrome) thread(process int, s *span) int {
	threads := &c.threads[process-1]
	for n, ended := range *threads {
		if ended <= s.start {
			(*threads)[n] = s.end
			return n + 1
		}
	}
	*threads = append(*threads, s.end)
	return len(*threads)
}

// args returns what is shown of a span that is selected.
func (s *span) args() map[string]string {
	all := map[string]string{}
	set := func(name, value string) {
		if value != "" {
			all[name] = value
		}
	}
	set("dest", s.dest)
	set("failed", s.failed)
	set("code", s.code)
	if s.id != message.None {
		set("msg_id", strconv.FormatInt(s.id, 10))
	}
	if s.number > 0 {
		set("attempt", strconv.Itoa(s.number))
	}
	return all
}

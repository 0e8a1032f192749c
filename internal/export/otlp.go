package export

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/message"
)

// The OTLP messages, as its JSON encoding writes them: ids in hexadecimal, 64-bit integers
// as strings, enumerations as numbers.
type (
	otlpFile struct {
		ResourceSpans []otlpResource `json:"resourceSpans"`
	}
	otlpResource struct {
		Resource struct {
			Attributes []otlpAttribute `json:"attributes"`
		} `json:"resource"`
		ScopeSpans []otlpScope `json:"scopeSpans"`
	}
	otlpScope struct {
		Scope struct {
			Name string `json:"name"`
		} `json:"scope"`
		Spans []otlpSpan `json:"spans"`
	}
	otlpSpan struct {
		TraceID    string          `json:"traceId"`
		SpanID     string          `json:"spanId"`
		Parent     string          `json:"parentSpanId,omitzero"`
		Name       string          `json:"name"`
		Kind       int             `json:"kind"`
		Start      string          `json:"startTimeUnixNano"`
		End        string          `json:"endTimeUnixNano"`
		Attributes []otlpAttribute `json:"attributes,omitempty"`
		Events     []otlpEvent     `json:"events,omitempty"`
		Status     otlpStatus      `json:"status,omitzero"`
	}
	otlpEvent struct {
		Time string `json:"timeUnixNano"`
		Name string `json:"name"`
	}
	otlpStatus struct {
		Message string `json:"message,omitzero"`
		Code    int    `json:"code,omitzero"`
	}
	otlpAttribute struct {
		Key   string    `json:"key"`
		Value otlpValue `json:"value"`
	}
	otlpValue struct {
		String *string `json:"stringValue,omitempty"`
		Int    string  `json:"intValue,omitzero"`
	}
)

// otlpKinds are the span kinds of OTLP: internal is 1, server 2, client 3, producer 4.
var otlpKinds = [...]int{callKind: 1, attemptKind: 3, serverKind: 2, oneWayKind: 4, faultKind: 1}

const otlpError = 2 // the status code of a span that failed

func text(name, value string) otlpAttribute {
	return otlpAttribute{name, otlpValue{String: &value}}
}

func integer(name string, value int64) otlpAttribute {
	return otlpAttribute{name, otlpValue{Int: strconv.FormatInt(value, 10)}}
}

// OTLP writes the test as the JSON of OpenTelemetry's traces. Each node, client and service
// is a service with the spans that took place in it. The ids are hashes of the journal, so the
// same test has the same ids.
func OTLP(w io.Writer, t *Test) error {
	trace := newTrace(t)
	hash := t.Journal.Hash()
	id := func(what string, number, size int) string {
		sum := sha256.Sum256(fmt.Appendf(nil, "%x %s %d", hash, what, number))
		return hex.EncodeToString(sum[:size])
	}
	byNode := map[string]int{}
	var file otlpFile
	for i := range trace.spans {
		s := &trace.spans[i]
		at, known := byNode[s.node]
		if !known {
			at = len(file.ResourceSpans)
			byNode[s.node] = at
			file.ResourceSpans = append(file.ResourceSpans, newResource(t, s.node))
		}
		span := otlpSpanOf(t, s)
		span.TraceID, span.SpanID = id("trace", s.root, 16), id("span", i, 8)
		if s.parent >= 0 {
			span.Parent = id("span", s.parent, 8)
		}
		scope := &file.ResourceSpans[at].ScopeSpans[0]
		scope.Spans = append(scope.Spans, span)
	}
	return json.MarshalWrite(w, &file, jsontext.AllowInvalidUTF8(true), jsontext.WithIndent(" "), json.Deterministic(true))
}

func newResource(t *Test, node string) (r otlpResource) {
	r.Resource.Attributes = []otlpAttribute{text("service.name", node), text("eddy.test", t.Name)}
	r.ScopeSpans = make([]otlpScope, 1)
	r.ScopeSpans[0].Scope.Name = "github.com/eddyrpc/eddy"
	return r
}

// otlpSpanOf returns a span without its ids. The names of attributes are those of
// OpenTelemetry's conventions for RPC, as far as these have one.
func otlpSpanOf(t *Test, s *span) otlpSpan {
	nanos := func(at time.Duration) string { return strconv.FormatInt(t.Started.Add(at).UnixNano(), 10) }
	span := otlpSpan{Name: s.name, Kind: otlpKinds[s.kind], Start: nanos(s.start), End: nanos(s.end)}
	add := func(a otlpAttribute) { span.Attributes = append(span.Attributes, a) }
	if s.kind != faultKind {
		add(text("rpc.system.name", "eddy"))
		add(text("rpc.method", s.name))
	}
	if s.dest != "" {
		add(text("server.address", s.dest))
	}
	if s.id != message.None {
		add(integer("eddy.msg_id", s.id))
	}
	if s.number > 0 {
		add(integer("eddy.attempt", int64(s.number)))
	}
	if s.code != "" {
		add(text("rpc.response.status_code", s.code))
	}
	if s.failed != "" || s.code != "" {
		add(text("error.type", errorType(s)))
		span.Status = otlpStatus{s.failed, otlpError}
	}
	for _, e := range s.events {
		span.Events = append(span.Events, otlpEvent{nanos(e.at), e.name})
	}
	return span
}

// errorType returns the class of an error: the code of an error reply, or in few words what
// happened.
func errorType(s *span) string {
	switch {
	case s.code != "":
		return s.code
	case s.kind == callKind && s.failed != noReply:
		return "_OTHER"
	}
	return s.failed
}

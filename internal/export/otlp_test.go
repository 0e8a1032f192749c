package export

import (
	"regexp"
	"strconv"
	"testing"

	"github.com/go-json-experiment/json"
)

var (
	traceID = regexp.MustCompile(`^[0-9a-f]{32}$`)
	spanID  = regexp.MustCompile(`^[0-9a-f]{16}$`)
	zeros   = regexp.MustCompile(`^0+$`)
)

// The ids have the length that OTLP demands. A span's parent exists and is in the same trace.
// No span ends before it starts.
func TestOTLPRules(t *testing.T) {
	for name, test := range map[string]*Test{"stored": stored(t), "handmade": handmade(t, handmadeJournal)} {
		var file otlpFile
		if err := json.Unmarshal(written(t, OTLP, test), &file); err != nil {
			t.Fatal(err)
		}
		traces := map[string]string{} // by span
		var all []otlpSpan
		for _, r := range file.ResourceSpans {
			if len(r.Resource.Attributes) == 0 || r.Resource.Attributes[0].Key != "service.name" {
				t.Errorf("%s: a resource has no service.name", name)
			}
			for _, s := range r.ScopeSpans[0].Spans {
				if !traceID.MatchString(s.TraceID) || !spanID.MatchString(s.SpanID) || zeros.MatchString(s.TraceID) || zeros.MatchString(s.SpanID) {
					t.Errorf("%s: the ids %s and %s of %s", name, s.TraceID, s.SpanID, s.Name)
				}
				if traces[s.SpanID] != "" {
					t.Errorf("%s: two spans have the id %s", name, s.SpanID)
				}
				traces[s.SpanID] = s.TraceID
				all = append(all, s)
			}
		}
		if len(all) < 8 {
			t.Errorf("%s: only %d spans", name, len(all))
		}
		for _, s := range all {
			if s.Parent != "" && traces[s.Parent] != s.TraceID {
				t.Errorf("%s: the parent of %s is not in its trace", name, s.SpanID)
			}
			from, errFrom := strconv.ParseUint(s.Start, 10, 64)
			to, errTo := strconv.ParseUint(s.End, 10, 64)
			if test.Started.IsZero() {
				continue // before 1970
			}
			if errFrom != nil || errTo != nil || from > to {
				t.Errorf("%s: %s is from %s to %s", name, s.SpanID, s.Start, s.End)
			}
			if s.Kind < 1 || s.Kind > 5 {
				t.Errorf("%s: %s has kind %d", name, s.SpanID, s.Kind)
			}
		}
	}
}

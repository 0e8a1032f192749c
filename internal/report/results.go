// Package report writes the results of a test: as text, and as the files of its
// directory.
package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/quantile"
	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/spread"
	"github.com/eddyrpc/eddy/internal/trial"
)

// Results are the contents of results.json: the results of a test, and what is needed
// to run it again. docs/results.schema.json describes it.
type Results struct {
	Version    int                `json:"version"` // 1
	Verdict    string             `json:"verdict"` // pass, fail, unknown
	Reasons    []Reason           `json:"reasons"` // empty if the verdict is pass; the main reason first
	Workload   string             `json:"workload"`
	Bin        string             `json:"bin"`
	Nodes      []string           `json:"nodes"`
	Seed       uint64             `json:"seed"`
	Timeout    float64            `json:"call_timeout_ms"` // of each attempt of a relay; 0 with other workloads
	Command    Command            `json:"command"`
	Started    time.Time          `json:"started"`
	Seconds    float64            `json:"seconds"` // from start to verdict
	Operations Operations         `json:"operations"`
	Messages   map[string]int     `json:"messages"` // the number of messages by fate; all is their sum
	Faults     map[string]int     `json:"faults"`   // the number of faults
	Numbers    map[string]any     `json:"numbers"`  // of the workload
	Violations []*trial.Violation `json:"violations"`
	Warnings   []*trial.Violation `json:"warnings"` // oddities between nodes: the first of each kind and node
	Notes      []string           `json:"notes"`    // facts that do not change the verdict

	SimulatedNodes []string `json:"simulated_nodes"` // by the workload

	// Case is the size of the case that the test repeats, if it does not draw its own: the
	// smallest one that eddy hunt or eddytest has found.
	Case *Case `json:"case,omitempty"`

	// Trace is a hash of all messages, with their times and fates, if the test ran in
	// virtual time: two runs with the same hash were the same run.
	Trace string `json:"trace,omitzero"`
}

// A Case counts what is in a trial.Case.
type Case struct {
	Requests int `json:"requests"`
	Faults   int `json:"faults"`
	Fates    int `json:"fates"` // lost and doubled messages
	Nodes    int `json:"nodes"`

	Smallest bool `json:"smallest,omitzero"` // a search has left this of a larger case
}

func (c *Case) String() string {
	return listed([]string{plural(c.Requests, "request"), plural(c.Faults, "fault"), plural(c.Fates, "lost or doubled message"), plural(c.Nodes, "node")})
}

// A Reason is a reason why the verdict is not pass.
type Reason struct {
	Check   string  `json:"check"`
	Text    string  `json:"text"`
	Seconds float64 `json:"seconds"` // when it showed, since the start
	Unknown bool    `json:"unknown"` // it is not a violation; a check could not decide

	Protocol bool `json:"protocol"` // it is about messages only; the answers that clients got may all be right
	Count    int  `json:"count"`    // how many such problems it stands for

	Message  int   `json:"message"`  // the index in the journal of the message that shows it; -1 if there is none
	Involved []int `json:"involved"` // the indices of the messages that are needed to understand it

	Cycle    *checker.Cycle    `json:"cycle,omitempty"`    // of transactions that contradict each other
	Register *checker.Register `json:"register,omitempty"` // of a key whose operations have no order
	Way      *spread.Way       `json:"way,omitempty"`      // of an element towards a node that lacks it
}

// First returns the first line of the text, which says what is wrong.
func (r *Reason) First() string {
	first, _, _ := strings.Cut(r.Text, "\n")
	return first
}

// A Command is a test's command line.
type Command struct {
	Args []string `json:"args"` // the arguments after eddy test
	Dir  string   `json:"dir"`  // the working directory
}

// Operations counts operations by outcome. The latencies are those of operations
// that ended ok.
type Operations struct {
	OK         int                `json:"ok"`
	Fail       int                `json:"fail"`
	Indefinite int                `json:"indefinite"`
	Rate       float64            `json:"per_second"` // the rate in the main phase
	Latency    map[string]float64 `json:"latency_ms"`
}

// New judges a test and returns its results.
func New(cfg *trial.Config, res *trial.Result) *Results {
	began := time.Now()
	verdict, problems := res.Judge(cfg)
	if !cfg.Virtual {
		res.Elapsed += time.Since(began)
	}
	r := &Results{
		Version: 1, Verdict: verdict.String(), Reasons: []Reason{}, Workload: cfg.Spec.Name, Bin: cfg.Bin, Nodes: cfg.Nodes,
		Seed: cfg.Network.Seed, Seconds: res.Elapsed.Seconds(), Numbers: map[string]any{},
		Messages: map[string]int{}, Faults: map[string]int{}, Violations: res.Violations, Warnings: res.Warnings, Notes: []string{},
		SimulatedNodes: res.SimulatedNodes,
	}
	for _, note := range res.Notes {
		r.Notes = append(r.Notes, quote.Lines(note))
	}
	if r.Violations == nil {
		r.Violations = []*trial.Violation{}
	}
	if r.Warnings == nil {
		r.Warnings = []*trial.Violation{}
	}
	if r.SimulatedNodes == nil {
		r.SimulatedNodes = []string{}
	}
	r.Reasons = reasons(problems, res.Journal)
	if cfg.Spec.Name == "relay" {
		r.Timeout = float64(cfg.CallTimeout) / 1e6
	}
	for _, n := range res.Numbers {
		r.Numbers[n.Name] = n.Value
	}
	if c := cfg.Case; c != nil {
		r.Case = &Case{Requests: len(c.Asks), Faults: len(c.Faults), Fates: len(c.Fates), Nodes: len(c.Nodes), Smallest: c.Smallest}
	}
	if cfg.Virtual {
		r.Trace = fmt.Sprintf("%016x", res.Journal.Hash())
	}
	r.countOps(res)
	r.countMessages(res.Journal)
	return r
}

func (r *Results) countOps(res *trial.Result) {
	latencies := make([]time.Duration, 0, res.History.Len())
	ended := 0
	for op := range res.History.All() {
		if op.Again {
			continue
		}
		switch outcome, to := op.Seen(); outcome {
		case history.OK:
			r.Operations.OK++
			latencies = append(latencies, to-op.From)
		case history.Fail:
			r.Operations.Fail++
		default:
			r.Operations.Indefinite++
		}
		if !op.Final {
			ended++
		}
	}
	if res.MainPhase > 0 {
		r.Operations.Rate = float64(ended) / res.MainPhase.Seconds()
	}
	slices.Sort(latencies)
	r.Operations.Latency = map[string]float64{}
	if len(latencies) > 0 {
		for name, q := range map[string]float64{"p50": .5, "p95": .95, "p99": .99, "max": 1} {
			r.Operations.Latency[name] = float64(quantile.Of(latencies, q).Microseconds()) / 1000
		}
	}
}

func (r *Results) countMessages(j *sim.Journal) {
	var fates [256]int // a map would be slow
	duplicates, betweenNodes := 0, 0
	for m := range j.All() {
		fates[m.Fate]++
		if m.IsDuplicate() {
			duplicates++
		}
		if !sim.IsClient(m.Src) && !sim.IsClient(m.Dest) {
			betweenNodes++
		}
	}
	count := func(name string, n int) {
		if n > 0 {
			r.Messages[name] = n
		}
	}
	count("all", j.Len())
	count("duplicates", duplicates)
	count("between-nodes", betweenNodes)
	for fate, n := range fates {
		if n > 0 {
			count(sim.Fate(fate).String(), n)
		}
	}
	for _, e := range j.Events() {
		if e.Begun != nil {
			r.Faults[e.Begun.String()]++
		}
	}
}

// jsonOptions are those of results.json.
var jsonOptions = json.JoinOptions(jsontext.WithIndent("  "), json.Deterministic(true), jsonv1.FormatDurationAsNano(true))

// JSON returns the text of results.json.
func (r *Results) JSON() ([]byte, error) {
	text, err := json.Marshal(r, jsonOptions)
	return append(text, '\n'), err
}

// The text shows at most this many reasons, and this many of each check.
const (
	maxReasons  = 10
	maxPerCheck = 3
)

// Text returns the results as text for people: the verdict, the reasons, and numbers.
func (r *Results) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s, %s, seed %d\n", strings.ToUpper(r.Verdict)+r.basis(), r.Workload, plural(len(r.Nodes), "node"), r.Seed)
	r.writeReasons(&b)
	for _, warning := range r.warnings() {
		fmt.Fprintf(&b, "  warning: %s\n", warning)
	}
	b.WriteByte('\n')
	width := len("operations")
	for name := range r.Numbers {
		width = max(width, len(name))
	}
	row := func(name, format string, args ...any) {
		text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\n"+strings.Repeat(" ", width+2))
		fmt.Fprintf(&b, "%-*s  %s\n", width, name, text)
	}
	o := r.Operations
	row("operations", "%d ok, %d failed, %d indefinite, %.0f/s", o.OK, o.Fail, o.Indefinite, o.Rate)
	if o.OK > 0 {
		row("latency", "p50 %s, p95 %s, p99 %s, max %s", ms(o.Latency["p50"]), ms(o.Latency["p95"]), ms(o.Latency["p99"]), ms(o.Latency["max"]))
	}
	row("messages", "%s", counts(r.Messages, "all"))
	if len(r.Faults) > 0 {
		row("faults", "%s", counts(r.Faults, ""))
	}
	for _, name := range sortedKeys(r.Numbers) {
		row(name, "%s", number(r.Numbers[name]))
	}
	for _, note := range r.Notes {
		row("note", "%s", note)
	}
	row("took", "%.1fs", r.Seconds)
	return b.String()
}

// number formats a number of a workload.
func number(v any) string {
	if f, ok := v.(float64); ok {
		return fmt.Sprintf("%.2f", f)
	}
	return fmt.Sprint(v)
}

// writeReasons writes the reasons of each check together. The first one of each is explained.
func (r *Results) writeReasons(b *strings.Builder) {
	shown := 0
	advice := r.Advice()
	for i, k := range r.kinds() {
		do := advice[i]
		if shown >= maxReasons {
			fmt.Fprintf(b, "  %s: see results.json\n", &k)
			continue
		}
		before, name := "", k.check+": "
		if k.count > 1 {
			fmt.Fprintf(b, "  %s:\n", &k)
			before, name = "  ", ""
		}
		most := min(len(k.reasons), maxPerCheck)
		for i, reason := range k.reasons[:most] {
			text := reason.First()
			if i == 0 {
				text = strings.ReplaceAll(reason.Text, "\n", "\n      "+before)
			}
			fmt.Fprintf(b, "%s  %7.3fs  %s%s\n", before, reason.Seconds, name, text)
			shown++
		}
		if do != "" {
			fmt.Fprintf(b, "    what to do: %s\n", do)
		}
		if more := len(k.reasons) - most; more > 0 {
			fmt.Fprintf(b, "    and %d more in results.json\n", more)
		}
	}
}

func ms(v float64) string { return fmt.Sprintf("%.1f ms", v) }

func sortedKeys[V any](m map[string]V) []string {
	keys := []string{}
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// counts formats numbers: the one named first, then the others, the largest first.
func counts(m map[string]int, first string) string {
	keys := sortedKeys(m)
	slices.SortStableFunc(keys, func(a, b string) int {
		if (a == first) != (b == first) {
			if a == first {
				return -1
			}
			return 1
		}
		return cmp.Compare(m[b], m[a])
	})
	var words []string
	for _, k := range keys {
		words = append(words, fmt.Sprintf("%d %s", m[k], k))
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

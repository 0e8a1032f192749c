// Package page writes an HTML page about one test, or about two tests side by side. The
// page needs no network and no server. The output of nodes is stored in it compressed
// and shown as text, so that none of it can run as a script.
package page

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"github.com/eddyrpc/eddy/internal/csp"
	"github.com/eddyrpc/eddy/internal/grouping"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/names"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/story"
)

// A Test is the content of a page.
type Test struct {
	Name     string // a short name of its directory
	Verdict  string // pass, fail, unknown
	Sentence string // the verdict in one sentence
	Smallest string // of a test that repeats the smallest case that was found: this, with its size
	Command  string // a shell command that runs the test again
	Seed     uint64

	Reasons  []Reason // why the verdict is not pass; the main reason first
	Kinds    []string // the checks of the reasons, each with how often and when first
	Advice   []string // for each of Kinds what to do, or ""
	Warnings []string // what nodes said to each other that is unusual
	Nodes    []string // the lanes after those of clients
	Timeout  time.Duration
	Started  time.Time
	Results  []byte       // results.json
	Story    []story.Line // what happened, of a short test

	Journal *sim.Journal
	History *history.History
}

// A Reason is a reason why the verdict is not pass.
type Reason struct {
	Check    string  `json:"check"`
	Text     string  `json:"text"`
	Seconds  float64 `json:"seconds"`
	Unknown  bool    `json:"unknown"`
	Record   int     `json:"record"`   // the index of the message that shows it, or -1
	Involved []int   `json:"involved"` // the indices of the messages needed to understand it
}

// AdviceFor returns what to do about one of Kinds, or "".
func (t *Test) AdviceFor(kind int) string {
	if kind >= len(t.Advice) {
		return ""
	}
	return t.Advice[kind]
}

// Example returns the first problem in detail, if the sentence about the verdict does not
// say it.
func (t *Test) Example() string {
	if len(t.Reasons) == 0 {
		return ""
	}
	first, _, _ := strings.Cut(t.Reasons[0].Text, "\n")
	if strings.Contains(t.Sentence, strings.TrimSuffix(first, ".")) {
		return ""
	}
	return first
}

// Explained returns the other lines of the text.
func (r Reason) Explained() string {
	_, rest, _ := strings.Cut(r.Text, "\n")
	return rest
}

// maxMessages is the maximum number of messages in a page. For a longer test, the page
// has the messages around the first reason.
const maxMessages = 1_200_000

// pageBytes is the limit of the messages of one test in a page. E-mail accepts such a
// file, and a browser opens it quickly.
const pageBytes = 36 << 20

// The bundle that front builds.
var (
	//go:embed page.js
	script string
	//go:embed page.css
	style string
)

// head is all that is not in columns.
type head struct {
	Name       string            `json:"name"`
	Verdict    string            `json:"verdict"`
	Sentence   string            `json:"sentence"`
	Command    string            `json:"command"`
	Seed       string            `json:"seed"` // it may be more than a number of JavaScript holds
	Reasons    []Reason          `json:"reasons"`
	Kinds      []string          `json:"kinds"`
	Results    jsonv1.RawMessage `json:"results"`
	Story      []story.Line      `json:"story"`
	Nodes      []string          `json:"nodes"`
	Names      []string          `json:"names"` // what columns number
	Fates      []string          `json:"fates"`
	Events     []sim.Event       `json:"events"`
	First      int               `json:"first"`    // the index of the page's first message
	Messages   int               `json:"messages"` // in the page
	All        int               `json:"all"`      // in the test
	Operations int               `json:"operations"`
	Calls      int               `json:"calls"`
	BigIDs     map[string]string `json:"big_ids"`
	BigReplies map[string]string `json:"big_replies"`
	Blocks     []block           `json:"blocks"`
	BodiesKept int               `json:"bodies_kept"`
	BodyBytes  int               `json:"body_bytes"`
	Functions  []*function       `json:"functions"`
	Links      []*link           `json:"links"`
	AllLinks   int               `json:"all_links"`
	Losses     []float64         `json:"losses"`    // when messages outside the page were lost, in ms; only if it lacks messages
	SentFrom   float64           `json:"sent_from"` // when the first and the last message of the page were sent, in ms
	SentTo     float64           `json:"sent_to"`
}

// A part is one thing that the page's script reads.
type part struct {
	Name string
	Text template.HTML // base64, which needs no escapes
}

// Write writes the page of one test.
func Write(w io.Writer, t *Test) error { return write(w, t.Name, []*Test{t}) }

// Compare writes the page of two tests.
func Compare(w io.Writer, a, b *Test) error {
	return write(w, a.Name+" and "+b.Name, []*Test{a, b})
}

func write(w io.Writer, title string, tests []*Test) error {
	var shown struct {
		Title string
		Tests []*Test
		Parts []part
		CSP   string
		CSS   template.CSS
		JS    template.JS

		KindsAtOnce int // the others are folded
	}
	shown.Title, shown.Tests, shown.KindsAtOnce = title, tests, 5
	for i, t := range tests {
		parts, err := t.parts(fmt.Sprintf("t%d-", i))
		if err != nil {
			return err
		}
		shown.Parts = append(shown.Parts, parts...)
	}
	shown.CSP = csp.Policy(script, style) + "; img-src data:"
	shown.CSS, shown.JS = template.CSS(style), template.JS(script)
	return pageTemplate.Execute(w, &shown)
}

// parts returns the parts that the script reads.
func (t *Test) parts(prefix string) ([]part, error) {
	first, end := t.window()
	n := &names.Table{}
	n.Number("")
	g := grouping.Find(t.Journal, t.Timeout)
	columns, bigIDs, bigReplies := messages(t.Journal, g, first, end, n)
	requests := t.requests()
	ops := operations(t.History, requests, first, end, n)
	parts := []part{{prefix + "messages", pack(columns)}, {prefix + "calls", pack(callColumns(g))}, {prefix + "operations", pack(ops)}}
	room := pageBytes
	for _, p := range parts {
		room -= len(p.Text)
	}
	blocks, kept := bodies(t.Journal, first, end, t.wanted(), room)
	h := head{
		Name: t.Name, Verdict: t.Verdict, Sentence: t.Sentence, Command: t.Command, Seed: strconv.FormatUint(t.Seed, 10), Reasons: t.Reasons, Kinds: t.Kinds,
		Results: t.Results, Story: t.Story, Nodes: t.Nodes, Names: shorten(n.Names()), Events: t.Journal.Events(),
		First: first, Messages: end - first, All: t.Journal.Len(), Operations: t.History.Operations(), Calls: len(g.Calls),
		BigIDs: bigIDs, BigReplies: bigReplies, Blocks: blocks, BodiesKept: kept, BodyBytes: bodyBytes,
	}
	h.Fates = sim.Fates()
	h.Functions = functions(t.History, g, requests)
	h.Links, h.AllLinks = links(t.Journal, g)
	if end > first {
		h.SentFrom, h.SentTo = millis(t.Journal.At(first).Sent), millis(t.Journal.At(end-1).Sent)
	}
	if h.Messages < h.All {
		h.Losses = lossTimes(t.Journal)
	}
	text, err := json.Marshal(&h, json.Deterministic(true), jsonv1.FormatDurationAsNano(true))
	if err != nil {
		return nil, fmt.Errorf("encode the head of the page: %w", err)
	}
	parts = append(parts, part{prefix + "head", pack(text)})
	for i, b := range blocks {
		parts = append(parts, part{fmt.Sprintf("%sbodies%d", prefix, i), b.Text})
	}
	return parts, nil
}

func millis(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// window returns the range of messages in the page.
func (t *Test) window() (first, end int) {
	all := t.Journal.Len()
	if all <= maxMessages {
		return 0, all
	}
	middle := 0
	if len(t.Reasons) > 0 {
		at := time.Duration(t.Reasons[0].Seconds * float64(time.Second))
		for middle < all && t.Journal.At(middle).Sent < at {
			middle++
		}
	}
	first = min(max(0, middle-maxMessages/2), all-maxMessages)
	return first, first + maxMessages
}

// A request identifies a client's request.
type request struct {
	src, dest string
	id        int64
}

// requests returns the indices of the clients' requests.
func (t *Test) requests() map[request]int {
	all := make(map[request]int, t.History.Len())
	for m := range t.Journal.All() {
		if m.IsRequest() && !m.IsDuplicate() && sim.IsClient(m.Src) {
			all[request{m.Src, m.Dest, m.ID}] = m.Index
		}
	}
	return all
}

// wanted returns the messages whose bodies must be in the page.
func (t *Test) wanted() (all []int) {
	for _, r := range t.Reasons {
		all = append(all, r.Involved...)
		if r.Record >= 0 {
			all = append(all, r.Record)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), 1000)]
}

// pack compresses a part and encodes it as base64.
func pack(text []byte) template.HTML {
	var b bytes.Buffer
	letters := base64.NewEncoder(base64.StdEncoding, &b)
	z, _ := gzip.NewWriterLevel(letters, gzip.BestSpeed) // the level is valid
	z.Write(text)                                        // writing to a buffer cannot fail
	z.Close()
	letters.Close()
	return template.HTML(b.String())
}

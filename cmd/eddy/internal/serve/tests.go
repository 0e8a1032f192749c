package serve

import (
	"cmp"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/report"
)

// A listed is a test in the list.
type listed struct {
	Path     string    `json:"path"`    // workload/time
	Verdict  string    `json:"verdict"` // pass, fail, unknown; running; or gone if it ended without a verdict
	Workload string    `json:"workload"`
	Bin      string    `json:"bin"`
	Command  string    `json:"command"`
	Nodes    int       `json:"nodes"`
	OK       int       `json:"ok"` // operations
	Fail     int       `json:"fail"`
	Unsure   int       `json:"indefinite"`
	Seed     uint64    `json:"seed,string"`
	Started  time.Time `json:"started"`
	Seconds  float64   `json:"seconds"`
	Reason   string    `json:"reason"` // the main reason in a sentence
}

// tests are the tests in a store. A test is read again only if its file has changed.
type tests struct {
	store *os.Root
	mu    sync.Mutex
	known map[string]known
}

type known struct {
	changed time.Time
	test    listed
}

func newTests(store *os.Root) *tests { return &tests{store: store, known: map[string]known{}} }

const (
	resultsName  = "results.json"
	progressName = report.ProgressName
)

// all returns the tests, the newest first.
func (t *tests) all() ([]listed, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := []listed{}
	workloads, err := fs.ReadDir(t.store.FS(), ".")
	if err != nil {
		return nil, err
	}
	for _, w := range workloads {
		if !w.IsDir() {
			continue // a link such as latest, or another file
		}
		entries, err := fs.ReadDir(t.store.FS(), w.Name())
		if err != nil {
			continue // it was removed, or must not be read
		}
		for _, e := range entries {
			if !e.IsDir() {
				continue
			}
			if test, ok := t.one(path.Join(w.Name(), e.Name())); ok {
				all = append(all, test)
			}
		}
	}
	slices.SortFunc(all, func(a, b listed) int {
		return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(b.Path, a.Path))
	})
	return all, nil
}

// one returns the test in a directory. It returns false if there is none.
func (t *tests) one(dir string) (listed, bool) {
	info, err := t.store.Stat(path.Join(dir, resultsName))
	if err != nil {
		p, err := t.progress(dir)
		if err != nil {
			return listed{}, false
		}
		return listed{
			Path: dir, Verdict: p.state(), Workload: p.Workload, Bin: p.Bin, Seed: p.Seed, Started: p.Started, Seconds: p.Seconds,
			Command: quote.Shell(append([]string{"eddy", "test"}, p.Args...)...), Nodes: len(p.Nodes), OK: p.OK, Fail: p.Fail, Unsure: p.Indefinite,
		}, true
	}
	if k, ok := t.known[dir]; ok && k.changed.Equal(info.ModTime()) {
		return k.test, true
	}
	text, err := t.store.ReadFile(path.Join(dir, resultsName))
	if err != nil {
		return listed{}, false
	}
	r, err := report.ParseResults(text)
	if err != nil {
		return listed{}, false
	}
	test := listed{
		Path: dir, Verdict: r.Verdict, Workload: r.Workload, Bin: r.Bin, Seed: r.Seed, Started: r.Started, Seconds: r.Seconds, Reason: r.Headline(),
		Command: r.Again(), Nodes: len(r.Nodes), OK: r.Operations.OK, Fail: r.Operations.Fail, Unsure: r.Operations.Indefinite,
	}
	t.known[dir] = known{info.ModTime(), test}
	return test, true
}

// goneAfter is the time without progress after which the process of a test counts as
// killed.
const goneAfter = 2 * time.Minute

type progress struct {
	report.Progress
	age time.Duration // since it was written
}

func (p *progress) state() string {
	if p.age > goneAfter {
		return "gone"
	}
	return "running"
}

func (t *tests) progress(dir string) (*progress, error) {
	name := path.Join(dir, progressName)
	info, err := t.store.Stat(name)
	if err != nil {
		return nil, err
	}
	text, err := t.store.ReadFile(name)
	if err != nil {
		return nil, err
	}
	p := &progress{age: time.Since(info.ModTime())}
	return p, json.Unmarshal(text, &p.Progress)
}

// progress serves the progress of a running test. The status is 204 if the test has a
// report.
func (s *server) progress(w http.ResponseWriter, r *http.Request) {
	dir := path.Join(r.PathValue("workload"), r.PathValue("name"))
	if _, err := s.store.Stat(path.Join(dir, report.PageName)); err == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	p, err := s.tests.progress(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		http.NotFound(w, r)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		writeJSON(w, map[string]any{"state": p.state(), "progress": p.Progress})
	}
}

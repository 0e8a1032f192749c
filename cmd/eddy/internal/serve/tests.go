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

	"github.com/eddyrpc/eddy/cmd/eddy/internal/report"
)

// A listed test is a line of the list.
type listed struct {
	Path     string    `json:"path"`    // workload/time
	Verdict  string    `json:"verdict"` // pass, fail, unknown; running; or gone: it ended without one
	Workload string    `json:"workload"`
	Bin      string    `json:"bin"`
	Seed     uint64    `json:"seed,string"`
	Started  time.Time `json:"started"`
	Seconds  float64   `json:"seconds"`
	Reason   string    `json:"reason"` // the first check that gave one
}

// tests are those in a store. What was read once is kept as long as its file has
// not changed.
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

// all are the tests, the newest first.
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
			continue // a link such as latest, or somebody's file
		}
		entries, err := fs.ReadDir(t.store.FS(), w.Name())
		if err != nil {
			continue // it went away, or is not for us to read
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

// one is a directory's test, if it is one.
func (t *tests) one(dir string) (listed, bool) {
	info, err := t.store.Stat(path.Join(dir, resultsName))
	if err != nil {
		p, err := t.progress(dir)
		if err != nil {
			return listed{}, false
		}
		return listed{
			Path: dir, Verdict: p.state(), Workload: p.Workload, Bin: p.Bin, Seed: p.Seed, Started: p.Started, Seconds: p.Seconds,
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
	test := listed{Path: dir, Verdict: r.Verdict, Workload: r.Workload, Bin: r.Bin, Seed: r.Seed, Started: r.Started, Seconds: r.Seconds}
	if len(r.Reasons) > 0 {
		test.Reason = r.Reasons[0].Check
	}
	t.known[dir] = known{info.ModTime(), test}
	return test, true
}

// silent is after how long without a word a test that has no results counts as
// gone: its process was killed.
const silent = 2 * time.Minute

type progress struct {
	report.Progress
	quiet time.Duration // since it was written
}

func (p *progress) state() string {
	if p.quiet > silent {
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
	p := &progress{quiet: time.Since(info.ModTime())}
	return p, json.Unmarshal(text, &p.Progress)
}

// progress tells how a test goes; that it has a report, with 204.
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

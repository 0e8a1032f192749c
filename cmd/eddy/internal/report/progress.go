package report

import (
	"os"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/runner"
)

// ProgressName is the name of the file that tells how a test goes, as long as it
// has no results.
const ProgressName = "progress.json"

// Progress is progress.json.
type Progress struct {
	Workload   string    `json:"workload"`
	Bin        string    `json:"bin"`
	Nodes      []string  `json:"nodes"`
	Seed       uint64    `json:"seed,string"` // it may be more than a number of JavaScript holds
	Args       []string  `json:"args"`        // what came after eddy test
	Started    time.Time `json:"started"`
	Limit      float64   `json:"limit"`   // seconds for which clients ask
	Seconds    float64   `json:"seconds"` // since it began
	OK         int       `json:"ok"`
	Fail       int       `json:"fail"`
	Indefinite int       `json:"indefinite"`
	Messages   int       `json:"messages"`
	Faults     []string  `json:"faults"` // in force
}

// progressEvery is how often progress.json is written at most.
const progressEvery = 500 * time.Millisecond

// A Teller writes progress.json.
type Teller struct {
	store *Store
	about Progress
	last  time.Duration
}

// Tell begins to tell how a test goes.
func (s *Store) Tell(cfg *runner.Config, args []string, started time.Time) *Teller {
	t := &Teller{store: s, about: Progress{
		Workload: cfg.Spec.Name, Bin: cfg.Bin, Nodes: cfg.Nodes, Seed: cfg.Network.Seed, Args: args,
		Started: started, Limit: cfg.TimeLimit.Seconds(), Faults: []string{},
	}}
	t.write()
	return t
}

// Show is called often and writes some of it.
func (t *Teller) Show(p runner.Progress) {
	if p.At-t.last < progressEvery {
		return
	}
	t.last = p.At
	a := &t.about
	a.Seconds, a.OK, a.Fail, a.Indefinite, a.Messages = p.At.Seconds(), p.OK, p.Fail, p.Indefinite, p.Messages
	a.Faults = append([]string{}, p.Faults...)
	t.write()
}

// write replaces the file as a whole, so that nobody reads half of it. That it
// can't be written is no reason to end a test.
func (t *Teller) write() {
	text, err := json.Marshal(&t.about)
	if err != nil {
		return
	}
	next := t.store.path(ProgressName + ".new")
	if os.WriteFile(next, text, 0o644) == nil {
		os.Rename(next, t.store.path(ProgressName))
	}
}

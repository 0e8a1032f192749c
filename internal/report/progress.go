package report

import (
	"os"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/internal/trial"
)

// ProgressName is the name of the file with the progress of a running test.
const ProgressName = "progress.json"

// Progress is the contents of progress.json.
type Progress struct {
	Workload   string    `json:"workload"`
	Bin        string    `json:"bin"`
	Nodes      []string  `json:"nodes"`
	Seed       uint64    `json:"seed,string"` // a string because JavaScript numbers are too small
	Args       []string  `json:"args"`        // the arguments after eddy test
	Started    time.Time `json:"started"`
	Limit      float64   `json:"limit"`   // the length of the main phase in seconds
	Seconds    float64   `json:"seconds"` // since the test began
	OK         int       `json:"ok"`
	Fail       int       `json:"fail"`
	Indefinite int       `json:"indefinite"`
	Messages   int       `json:"messages"`
	Faults     []string  `json:"faults"` // the ongoing faults
}

// progressEvery is the minimum time between two writes of progress.json.
const progressEvery = 500 * time.Millisecond

// A ProgressWriter writes progress.json.
type ProgressWriter struct {
	store    *Store
	progress Progress
	last     time.Duration
}

// WriteProgress writes progress.json and returns a writer to update it.
func (s *Store) WriteProgress(cfg *trial.Config, args []string, started time.Time) *ProgressWriter {
	t := &ProgressWriter{store: s, progress: Progress{
		Workload: cfg.Spec.Name, Bin: cfg.Bin, Nodes: cfg.Nodes, Seed: cfg.Network.Seed, Args: args,
		Started: started, Limit: cfg.TimeLimit.Seconds(), Faults: []string{},
	}}
	t.write()
	return t
}

// Update updates the file, unless it was written less than progressEvery ago.
func (t *ProgressWriter) Update(p trial.Progress) {
	if p.At-t.last < progressEvery {
		return
	}
	t.last = p.At
	w := &t.progress
	w.Seconds, w.OK, w.Fail, w.Indefinite, w.Messages = p.At.Seconds(), p.OK, p.Fail, p.Indefinite, p.Messages
	w.Faults = append([]string{}, p.Faults...)
	t.write()
}

// write replaces the file atomically. An error does not end the test.
func (t *ProgressWriter) write() {
	text, err := json.Marshal(&t.progress)
	if err != nil {
		return
	}
	next := t.store.path(ProgressName + ".new")
	if os.WriteFile(next, text, 0o644) == nil {
		os.Rename(next, t.store.path(ProgressName))
	}
}

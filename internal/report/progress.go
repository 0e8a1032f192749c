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

	// Series is the progress since the test began, at most maxPoints times of it.
	Series []Point `json:"series"`
}

// A Point is the progress at one time: how many operations had ended ok by then, and how
// many messages had been sent.
type Point struct {
	Seconds  float64 `json:"seconds"`
	OK       int     `json:"ok"`
	Messages int     `json:"messages"`
}

// maxPoints is the maximum number of points in progress.json. If there are more, every
// second one is dropped, and points come half as often.
const maxPoints = 600

// progressEvery is the minimum time between two writes of progress.json.
const progressEvery = 500 * time.Millisecond

// A ProgressWriter writes progress.json.
type ProgressWriter struct {
	store    *Store
	progress Progress
	last     time.Duration
	every    int // one of so many updates becomes a point
	updates  int
}

// WriteProgress writes progress.json and returns a writer to update it.
func (s *Store) WriteProgress(cfg *trial.Config, args []string, started time.Time) *ProgressWriter {
	t := &ProgressWriter{store: s, progress: Progress{
		Workload: cfg.Spec.Name, Bin: cfg.Bin, Nodes: cfg.Nodes, Seed: cfg.Network.Seed, Args: args,
		Started: started, Limit: cfg.TimeLimit.Seconds(), Faults: []string{}, Series: []Point{},
	}, every: 1}
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
	t.addPoint()
	t.write()
}

// addPoint adds a point to the series if it is time for one.
func (t *ProgressWriter) addPoint() {
	w := &t.progress
	if t.updates++; t.updates%t.every != 0 {
		return
	}
	w.Series = append(w.Series, Point{w.Seconds, w.OK, w.Messages})
	if len(w.Series) <= maxPoints {
		return
	}
	for i := range len(w.Series) / 2 {
		w.Series[i] = w.Series[2*i+1]
	}
	w.Series = w.Series[:len(w.Series)/2]
	t.every *= 2
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

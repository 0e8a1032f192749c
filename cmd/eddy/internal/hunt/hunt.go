// Package hunt runs a test with many seeds, several at the same time, until one does not
// pass, and then searches for the smallest case that still fails.
package hunt

import (
	"cmp"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/runner"
	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/shrink"
	"github.com/eddyrpc/eddy/internal/trial"
)

// Options say what to search.
type Options struct {
	First uint64 // the first seed
	Seeds int    // how many seeds are tried at most

	// Config returns the test of a seed, without directories. Run runs a test.
	Config func(seed uint64) (*runner.Config, error)
	Run    func(context.Context, *runner.Config) (*trial.Result, error)

	Workers int  // how many tests run at the same time
	All     bool // go on after the first seed that does not pass

	OnProgress func(Progress) // unless nil, is called after every test
}

// Progress describes a search.
type Progress struct {
	Seeds int // that were tried
	Found int // verdicts that are not pass, and that differ
}

// A Found is a test that does not pass.
type Found struct {
	Seed     uint64
	Config   *runner.Config
	Verdict  checker.Verdict
	Problems []checker.Problem
	Case     *trial.Case // what happened in it
}

// Check returns the name of the check that decided.
func (f *Found) Check() string { return f.Problems[0].Check }

// Search tries seeds until one does not pass, or with All until all seeds are tried, or
// until ctx ends. It returns a test for each different reason not to pass, that of the
// lowest seed which had it, and the number of seeds. Without All it returns the test of the
// lowest seed that does not pass: it waits for the lower ones that run.
func Search(ctx context.Context, o Options) (found []*Found, tried int, err error) {
	s := &search{Options: o, next: o.First, least: math.MaxUint64, found: map[string]*Found{}}
	ctx, s.stop = context.WithCancel(ctx)
	defer s.stop()
	var workers sync.WaitGroup
	for range max(1, o.Workers) {
		workers.Go(func() { s.work(ctx) })
	}
	workers.Wait()
	for _, key := range s.order {
		found = append(found, s.found[key])
	}
	if !o.All && len(found) > 1 {
		found = []*Found{slices.MinFunc(found, func(a, b *Found) int { return cmp.Compare(a.Seed, b.Seed) })}
	}
	return found, s.tried, s.err
}

// A search is one call of Search.
type search struct {
	Options
	stop func()

	mu    sync.Mutex
	next  uint64
	least uint64 // without All: the lowest seed that does not pass
	tried int
	found map[string]*Found // by verdict and check
	order []string          // the keys of found
	err   error
}

// work tries seeds.
func (s *search) work(ctx context.Context) {
	for ctx.Err() == nil {
		s.mu.Lock()
		seed := s.next
		s.next++
		over := seed-s.First >= uint64(s.Seeds) || seed > s.least
		s.mu.Unlock()
		if over {
			return
		}
		f, err := s.try(ctx, seed)
		if ctx.Err() != nil {
			return // the test was interrupted
		}
		s.note(f, err)
	}
}

// note notes the result of a test.
func (s *search) note(f *Found, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried++
	if err != nil {
		s.err = errors.Join(s.err, err)
		s.stop()
		return
	}
	if f != nil {
		key := f.Verdict.String() + " " + f.Check()
		if s.found[key] == nil {
			s.order = append(s.order, key)
		}
		if s.found[key] == nil || f.Seed < s.found[key].Seed {
			s.found[key] = f
		}
		if !s.All {
			s.least = min(s.least, f.Seed)
		}
	}
	if s.OnProgress != nil {
		s.OnProgress(Progress{s.tried, len(s.found)})
	}
}

// try runs the test of a seed. It returns nil if the test passes.
func (s *search) try(ctx context.Context, seed uint64) (*Found, error) {
	cfg, err := s.Config(seed)
	if err != nil {
		return nil, err
	}
	return tryConfig(ctx, cfg, s.Run)
}

// tryConfig runs a test. It returns nil if the test passes.
func tryConfig(ctx context.Context, cfg *runner.Config, run func(context.Context, *runner.Config) (*trial.Result, error)) (*Found, error) {
	dir, err := os.MkdirTemp("", "eddy-hunt")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	here := *cfg
	here.Dirs, here.Logs = filepath.Join(dir, "dirs"), filepath.Join(dir, "logs")
	for _, sub := range []string{here.Dirs, here.Logs} {
		if err := os.Mkdir(sub, 0o755); err != nil {
			return nil, err
		}
	}
	res, err := run(ctx, &here)
	if err != nil {
		return nil, err
	}
	verdict, problems := res.Verdict(&here.Config)
	if res.Crash != nil {
		return nil, res.Crash
	}
	if verdict == checker.Pass {
		return nil, nil
	}
	return &Found{Seed: cfg.Network.Seed, Config: cfg, Verdict: verdict, Problems: problems, Case: res.Case()}, nil
}

// A Shrinker searches for the smallest case of a test that fails.
type Shrinker struct {
	Run   func(context.Context, *runner.Config) (*trial.Result, error)
	Tries int           // how often a case is run before it counts as one that passes
	For   time.Duration // how long the search may take

	OnProgress func(shrink.Progress) // unless nil, is called after every case
}

// Shrink returns the smallest case found that fails by the same check, and the test that
// replays it.
func (s *Shrinker) Shrink(ctx context.Context, f *Found) (*shrink.Result, *runner.Config) {
	end := time.Now().Add(s.For)
	replay := func(c *trial.Case) *runner.Config {
		cfg := *f.Config
		cfg.Config = *c.Apply(&f.Config.Config)
		return &cfg
	}
	result := shrink.Shrink(f.Case, func(c *trial.Case) bool {
		for range max(1, s.Tries) {
			again, err := tryConfig(ctx, replay(c), s.Run)
			if ctx.Err() != nil {
				return false
			}
			if err == nil && again != nil && again.Verdict == f.Verdict && again.Check() == f.Check() {
				return true
			}
		}
		return false
	}, shrink.Options{
		Expired:    func() bool { return ctx.Err() != nil || time.Now().After(end) },
		OnProgress: s.OnProgress,
	})
	return result, replay(result.Case)
}

package hunt

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/runner"
	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/trial"
	"github.com/eddyrpc/eddy/internal/trialtest"
	"github.com/eddyrpc/eddy/internal/workload"
)

// twins gives every third id twice if it has been killed before.
func twins(h *trialtest.Host) func(*message.Message) {
	count := 0
	return func(m *message.Message) {
		if m.Type != "generate" {
			return
		}
		count++
		id := 1000*h.Incarnation + count
		if h.Incarnation > 1 && count%3 == 0 {
			id--
		}
		h.Reply(m, `{"type":"generate_ok","id":"%s-%d"}`, h.Name, id)
	}
}

// options are those of a search in which seeds from 4 on have kills.
func options(t *testing.T) Options {
	spec, err := workload.Find("unique-ids")
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		First: 1, Seeds: 20, Workers: 3,
		Config: func(seed uint64) (*runner.Config, error) {
			cfg := &runner.Config{Config: trial.Config{
				Spec: spec, Nodes: []string{"n1", "n2"}, Virtual: true, TimeLimit: 2 * time.Second, Rate: 50, Concurrency: 4,
				Quiesce: -1, Interval: 300 * time.Millisecond, CallTimeout: time.Second, Network: sim.Config{Seed: seed, Loss: 0.2},
			}}
			if seed >= 4 {
				cfg.Nemeses = []string{"kill", "partition"}
			}
			return cfg, nil
		},
		Run: func(_ context.Context, cfg *runner.Config) (*trial.Result, error) {
			return trialtest.Run(&cfg.Config, twins)
		},
	}
}

// The first seed that fails is found, and the smallest case has one kill and two requests
// after it.
func TestSearchAndShrink(t *testing.T) {
	o := options(t)
	var last Progress
	o.OnProgress = func(p Progress) { last = p }
	found, tried, err := Search(context.Background(), o)
	if err != nil || len(found) != 1 || found[0].Seed < 4 || found[0].Seed > 8 || found[0].Verdict != checker.Fail || found[0].Check() != "duplicate-id" {
		t.Fatalf("found %+v of %d seeds, %v", found, tried, err)
	}
	if last.Found != 1 || last.Seeds != tried || tried < 2 {
		t.Errorf("%+v, %d tried", last, tried)
	}
	s := Shrinker{Run: o.Run, For: time.Minute}
	result, replay := s.Shrink(context.Background(), found[0])
	c := result.Case
	if !result.Minimal || len(c.Faults) != 1 || c.Faults[0].Kind != sim.Kill || len(c.Asks) > 4 || len(c.Nodes) != 1 || len(c.Fates) != 0 {
		t.Errorf("%+v", c)
	}
	again, err := tryConfig(context.Background(), replay, o.Run)
	if err != nil || again == nil || again.Check() != "duplicate-id" {
		t.Errorf("the smallest case: %+v, %v", again, err)
	}
}

// The test of the lowest seed is returned, although that of a higher one has failed before.
func TestSearchFindsTheLowest(t *testing.T) {
	o := options(t)
	o.Workers = 1
	first, _, err := Search(context.Background(), o)
	if err != nil || len(first) != 1 {
		t.Fatalf("%v, %v", first, err)
	}
	run, lowest, another, told := o.Run, first[0].Seed, make(chan bool), false
	o.Workers = 3
	o.Run = func(ctx context.Context, cfg *runner.Config) (*trial.Result, error) {
		if cfg.Network.Seed == lowest {
			<-another
		}
		return run(ctx, cfg)
	}
	o.OnProgress = func(p Progress) {
		if p.Found > 0 && !told {
			close(another)
			told = true
		}
	}
	found, _, err := Search(context.Background(), o)
	if err != nil || len(found) != 1 || found[0].Seed != lowest {
		t.Errorf("found %+v, %v; want seed %d", found, err, lowest)
	}
}

// With All the search goes on, and returns one test for each reason.
func TestSearchAll(t *testing.T) {
	o := options(t)
	o.All = true
	found, tried, err := Search(context.Background(), o)
	if err != nil || tried != o.Seeds || len(found) != 1 || found[0].Seed != 4 && found[0].Seed != 5 {
		t.Errorf("found %+v of %d seeds, %v", found, tried, err)
	}
}

// An error ends the search, as does the end of the context.
func TestSearchEnds(t *testing.T) {
	o := options(t)
	o.Run = func(context.Context, *runner.Config) (*trial.Result, error) { return nil, errors.New("no program") }
	if _, _, err := Search(context.Background(), o); err == nil {
		t.Error("no error")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if found, tried, err := Search(ctx, options(t)); len(found) != 0 || tried != 0 || err != nil {
		t.Errorf("found %v of %d seeds, %v", found, tried, err)
	}
}

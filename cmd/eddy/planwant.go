package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/plan"
	"github.com/eddyrpc/eddy/retry"
)

// A found is the JSON form of a policy that eddy plan --want has found.
type found struct {
	Settings *retry.Policy `json:"settings"`
	plan.Figures
	Least    plan.Figures `json:"least"`
	Greatest plan.Figures `json:"greatest"`
}

// wanted returns the search that --want and --within ask for, nil if there is none.
func (c *planCommand) wanted(m *plan.Model, policies []*retry.Policy) (*plan.Search, error) {
	if c.Want == "" {
		if c.Within != "" {
			return nil, errors.New("--within: must be given with --want, for which it bounds the search")
		}
		return nil, nil
	}
	s := &plan.Search{Model: m, Base: policies[0], Bounds: plan.DefaultBounds}
	var err error
	if s.Want, err = plan.ParseWant(c.Want); err != nil {
		return nil, fmt.Errorf("--want: %w", err)
	}
	if c.Within != "" {
		if s.Bounds, err = plan.ParseBounds(c.Within); err != nil {
			return nil, fmt.Errorf("--within: %w", err)
		}
	}
	switch {
	case len(policies) > 1:
		return nil, errors.New("--want: must be given with one --policy, whose other fields all policies of the search have")
	case c.HTML != "":
		return nil, errors.New("--want: must be given without --html, since it prints policies; draw these with --policy")
	}
	return s, nil
}

// search looks for policies and prints them.
func (c *planCommand) search(s *plan.Search) error {
	status := newStatusLine(os.Stderr)
	models := s.Model.Seeds(c.Runs)
	s.Run = func(p *retry.Policy) *plan.Sample {
		return plan.Together(models[0], runAll(models, p, plan.MaxOpen, func(int) bool { return false }))
	}
	s.Tried = func(n, of int) { status.bar("policies tried", of)(n) }
	best, closest := s.Find()
	status.clear()
	if len(best) == 0 {
		text := "no policy within the bounds reaches --want " + c.Want + " in every run"
		if closest != nil {
			settings, err := json.Marshal(closest.Policy)
			if err != nil {
				return err
			}
			f := closest.Sample.Figures
			text += fmt.Sprintf("; the closest is %s, with success=%.4g%%,p99=%.4gms,load=%.4g,peak=%.0f", settings, f.Success*100, f.P99, f.Deliveries, f.RetryPeak)
		}
		return errors.New(text + "; want less, or set wider bounds --within")
	}
	all := make([]found, len(best))
	for i, p := range best {
		all[i] = found{p.Policy, p.Sample.Figures, p.Sample.Least, p.Sample.Greatest}
	}
	return printJSON(os.Stdout, all)
}

// printJSON prints a value as indented JSON.
func printJSON(to io.Writer, value any) error {
	text, err := json.Marshal(value, jsontext.WithIndent("  "), json.Deterministic(true))
	if err == nil {
		_, err = to.Write(append(text, '\n'))
	}
	return err
}

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/eddyrpc/eddy/internal/trial"
)

// onlyProtocol is said of a test that failed although clients got the right answers.
const onlyProtocol = "by the protocol only; every answer was right"

// failedByProtocol reports whether the test failed, every reason is about messages
// only, and nothing is unknown.
func (r *Results) failedByProtocol() bool {
	return r.Verdict == "fail" && !slices.ContainsFunc(r.Reasons, func(reason Reason) bool { return !reason.Protocol || reason.Unknown })
}

// basis says what the verdict rests on, as it follows the verdict in the text: the main
// reason in a sentence. It is "" if the verdict is pass.
func (r *Results) basis() string {
	switch {
	case r.failedByProtocol():
		return " " + onlyProtocol + "."
	case len(r.Reasons) == 0:
		return ""
	}
	return ": " + r.Headline() + "."
}

// Headline returns the main reason for the verdict in a sentence, without a full stop.
func (r *Results) Headline() string {
	if len(r.Reasons) == 0 {
		return ""
	}
	if says := r.adviceFor(&r.Reasons[0]).says; says != "" {
		return says
	}
	first, rest, _ := strings.Cut(r.Reasons[0].Text, "\n")
	if next, _, _ := strings.Cut(rest, "\n"); strings.HasSuffix(first, ":") { // what a node wrote before it ended
		first += " " + strings.TrimSpace(next)
	}
	return strings.TrimSuffix(first, ".")
}

// A kind is the reasons of one check.
type kind struct {
	check   string
	count   int // how many problems they stand for
	reasons []*Reason
}

// kinds returns the reasons by their checks, the main one first. If the verdict is fail,
// checks that could not decide come last.
func (r *Results) kinds() (all []kind) {
	for i := range r.Reasons {
		reason := &r.Reasons[i]
		at := slices.IndexFunc(all, func(k kind) bool { return k.check == reason.Check && k.reasons[0].Unknown == reason.Unknown })
		if at < 0 {
			at = len(all)
			all = append(all, kind{check: reason.Check})
		}
		all[at].count += cmp.Or(reason.Count, 1)
		all[at].reasons = append(all[at].reasons, reason)
	}
	return all
}

// String returns the check, and how often it found something if that was more than once.
func (k *kind) String() string {
	if k.count > 1 {
		return fmt.Sprintf("%s, %s times", k.check, thousands(k.count))
	}
	return k.check
}

// Kinds returns the checks of the reasons, each with how often it found something and when
// first.
func (r *Results) Kinds() (all []string) {
	for _, k := range r.kinds() {
		first := "at"
		if k.count > 1 {
			first = "first at"
		}
		unknown := ""
		if k.reasons[0].Unknown && r.Verdict == "fail" {
			unknown = " (not decided)"
		}
		all = append(all, fmt.Sprintf("%s%s, %s %.3f s", &k, unknown, first, k.reasons[0].Seconds))
	}
	return all
}

// maxNamed is how many nodes a warning names.
const maxNamed = 3

// warnings returns the warnings as text, one for each kind.
func (r *Results) warnings() (all []string) {
	meanings := map[string]string{}
	for _, k := range trial.WarningKinds {
		meanings[k.Kind] = strings.TrimPrefix(k.Meaning, "it ")
	}
	for _, k := range trial.ViolationKinds {
		if meanings[k.Kind] == "" {
			meanings[k.Kind] = strings.TrimPrefix(k.Meaning, "it ")
		}
	}
	var kinds []string
	first, count, nodes := map[string]*trial.Violation{}, map[string]int{}, map[string][]string{}
	for _, v := range slices.Concat(r.Warnings, r.reportedOnly()) {
		if first[v.Kind] == nil {
			first[v.Kind] = v
			kinds = append(kinds, v.Kind)
		}
		if !slices.Contains(nodes[v.Kind], v.Node) {
			nodes[v.Kind] = append(nodes[v.Kind], v.Node)
			count[v.Kind] += v.Count
		}
	}
	for _, kind := range kinds {
		v := first[kind]
		line := v.Text
		if v.Line > 0 {
			line += fmt.Sprintf(", line %d", v.Line)
		}
		names := nodes[kind]
		if len(names) > 1 {
			line = v.Node + ", " + line
		}
		if more := len(names) - maxNamed; more > 0 {
			names = append(slices.Clone(names[:maxNamed]), fmt.Sprintf("%d more", more))
		}
		all = append(all, fmt.Sprintf("%s: %s %s, %s; first at %.3fs: %s",
			kind, listed(names), meanings[kind], plural(count[kind], "time"), v.At.Seconds(), line))
	}
	return all
}

// reportedOnly returns the violations that were not counted for the verdict.
func (r *Results) reportedOnly() (all []*trial.Violation) {
	for _, v := range r.Violations {
		isReason := slices.ContainsFunc(r.Reasons, func(reason Reason) bool { return reason.Check == v.Kind })
		if !isReason {
			all = append(all, v)
		}
	}
	return all
}

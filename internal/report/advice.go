package report

import (
	"slices"
	"strings"

	"github.com/eddyrpc/eddy/internal/trial"
)

// An advice says in the words of a node's author what a check has found, and what to do.
type advice struct {
	says string // a sentence without a full stop; "" if the text of the problem is one already
	do   string
}

// adviceFor returns the advice for a reason.
func (r *Results) adviceFor(reason *Reason) advice {
	if reason.Unknown {
		return advice{}
	}
	if missing := reason.Check == "no-reply" || reason.Check == "no-final-reply"; missing && r.Operations.OK == 0 {
		for _, why := range whyNoReply {
			if r.found(why.check) {
				return why.advice
			}
		}
	}
	a, ok := ofWorkload[r.Workload][strings.TrimSuffix(strings.TrimSuffix(reason.Check, "-process"), "-realtime")]
	if !ok {
		return ofAll[reason.Check]
	}
	if r.Workload == "relay" {
		if reason.Check == "reply-lost" && strings.Contains(r.commandText(), "--call-late=ignore") {
			a.do = "Its reply had arrived in time. Look for a lock or a queue between the reader of the input and the timer."
		}
	}
	return a
}

// found reports whether a check or a warning is in the results.
func (r *Results) found(check string) bool {
	return slices.ContainsFunc(r.Reasons, func(reason Reason) bool { return reason.Check == check }) ||
		slices.ContainsFunc(r.Warnings, func(w *trial.Violation) bool { return w.Kind == check })
}

// commandText returns the arguments of the test, with = between flags and values.
func (r *Results) commandText() string {
	return strings.ReplaceAll(strings.Join(r.Command.Args, " "), "--call-late ", "--call-late=")
}

// Advice returns for each of Kinds what to do, or "" if there is nothing to say, or if the
// advice is that for an earlier kind.
func (r *Results) Advice() (all []string) {
	for _, k := range r.kinds() {
		do := r.adviceFor(k.reasons[0]).do
		if slices.Contains(all, do) {
			do = ""
		}
		all = append(all, do)
	}
	return all
}

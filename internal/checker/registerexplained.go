package checker

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/internal/history"
)

// A Register explains why no order of the operations on a key explains one of them.
type Register struct {
	Key       int64     `json:"key"`
	Operation Operation `json:"operation"` // the one that no order explains

	// Legal are the values that the key could have had for it, in JSON. If LegalKnown is
	// false, the search for them took too long, and there may be more.
	Legal      []string `json:"legal"`
	LegalKnown bool     `json:"legal_known"`

	Source  string      `json:"source"`  // where the value comes from that it found, in a sentence; "" if it found none
	Origins []Operation `json:"origins"` // the operations that wrote this value

	Before     []Operation `json:"before"`     // the write or cas that was acknowledged last before it began; none or one
	Concurrent []Operation `json:"concurrent"` // the writes and cas that were open at the same time, or may still have an effect

	// Order are the last operations of an order that explains all operations that ended
	// before this one; Earlier is how many come before them. It is empty if the search took
	// too long.
	Order   []Operation `json:"order"`
	Earlier int         `json:"earlier"`
	Then    string      `json:"then"` // the value after Order
}

const (
	// explainTimeout is how long the search for legal values of a key may take.
	explainTimeout = 300 * time.Millisecond

	maxConcurrent = 8  // operations in Register.Concurrent
	maxOrder      = 20 // operations in Register.Order
	shownOrder    = 6  // those in the text
)

// explainRegister explains the first step of a key that no order explains. failed are the
// operations on the key that definitely failed.
func explainRegister(key int64, steps []step, culprit *step, failed []*history.Op) *Register {
	r := &Register{
		Key: key, Operation: operationOf(culprit.op, culprit.did()),
		Legal: []string{}, Origins: []Operation{}, Before: []Operation{}, Concurrent: []Operation{}, Order: []Operation{},
	}
	known := knownAt(steps, culprit)
	r.Legal, r.LegalKnown = legalValues(known, culprit)
	r.writesAround(known, culprit)
	r.findSource(steps, culprit, failed)
	order, then := registerOrder(known)
	r.Then = then
	r.Earlier = max(0, len(order)-maxOrder)
	for _, s := range order[r.Earlier:] {
		r.Order = append(r.Order, operationOf(s.op, s.did()))
	}
	return r
}

// knownAt returns what was known when a step ended, without this step: steps that ended later
// may or may not have taken effect.
func knownAt(steps []step, culprit *step) (known []step) {
	for _, s := range steps {
		if s.op.From > culprit.op.To || s.op == culprit.op {
			continue
		}
		s.finished = s.finished && s.op.To <= culprit.op.To
		if s.finished || !s.reads() && !s.failed {
			known = append(known, s)
		}
	}
	return known
}

// legalValues returns the values that a read could have returned in place of a step.
func legalValues(known []step, culprit *step) (legal []string, complete bool) {
	read := *culprit.op
	read.F, read.Code, read.Outcome = "read", 0, history.OK
	deadline := time.Now().Add(explainTimeout)
	legal, complete = []string{}, true
	for _, value := range valuesOf(known) {
		with := append(slices.Clip(known), step{op: &read, value: value, finished: true})
		switch result, _ := searchRegister(with, deadline, minWork); result {
		case linearizable:
			legal = append(legal, value)
		case undecided:
			complete = false
		}
	}
	return legal, complete
}

// valuesOf returns the values that a key can have had, those of the latest writes first.
func valuesOf(known []step) []string {
	sorted := slices.Clone(known)
	slices.SortStableFunc(sorted, func(a, b step) int { return cmp.Compare(b.op.From, a.op.From) })
	var values []string
	for i := range sorted {
		if s := &sorted[i]; s.changes() && !slices.Contains(values, s.value) {
			values = append(values, s.value)
		}
	}
	if !slices.Contains(values, missing) {
		values = append(values, missing)
	}
	return values
}

// writesAround finds the writes before a step and at the same time.
func (r *Register) writesAround(known []step, culprit *step) {
	var before *step
	var open []*step
	for i := range known {
		s := &known[i]
		switch {
		case !s.changes():
		case s.finished && s.op.To < culprit.op.From:
			if before == nil || s.op.To > before.op.To {
				before = s
			}
		default:
			open = append(open, s)
		}
	}
	if before != nil {
		r.Before = append(r.Before, operationOf(before.op, before.did()))
	}
	slices.SortStableFunc(open, func(a, b *step) int { return cmp.Compare(b.op.From, a.op.From) })
	for _, s := range open[:min(len(open), maxConcurrent)] {
		r.Concurrent = append(r.Concurrent, operationOf(s.op, s.did()))
	}
}

// findSource says where the value comes from that a step found.
func (r *Register) findSource(steps []step, culprit *step, failed []*history.Op) {
	value := culprit.found()
	if value == "" {
		return
	}
	var writers []*step
	for i := range steps {
		if s := &steps[i]; s.changes() && s.value == value && s.op != culprit.op {
			writers = append(writers, s)
			r.Origins = append(r.Origins, operationOf(s.op, s.did()))
		}
	}
	refused := []Operation{}
	for _, op := range failed {
		if s, ok := stepOf(op); ok && s.value == value {
			refused = append(refused, operationOf(op, s.did()))
		}
	}
	switch {
	case value == missing && len(writers) == 0:
		r.Source = "No operation removes a value."
	case len(writers) == 0 && len(refused) > 0:
		r.Origins = refused
		r.Source = fmt.Sprintf("The value %s comes only from an operation that was answered with \"it did not happen\": %s.", value, refused[0].String())
	case len(writers) == 0:
		r.Source = fmt.Sprintf("No operation wrote %s.", value)
	default:
		r.Source = sourceOf(value, writers[0], steps, culprit)
	}
}

// sourceOf says how a value that was written came to be the wrong one.
func sourceOf(value string, writer *step, steps []step, culprit *step) string {
	from := operationOf(writer.op, writer.did())
	if writer.op.From > culprit.op.To {
		return fmt.Sprintf("The value %s was written only later: %s.", value, from.String())
	}
	var over *step
	for i := range steps {
		s := &steps[i]
		overwrote := s.changes() && s.finished && s.value != value && writer.finished && s.op.From > writer.op.To && s.op.To < culprit.op.From
		if overwrote && (over == nil || s.op.To < over.op.To) {
			over = s
		}
	}
	if over == nil {
		return fmt.Sprintf("The value %s was written by: %s.", value, from.String())
	}
	by := operationOf(over.op, over.did())
	return fmt.Sprintf("The value %s had been overwritten %v before: %s. It had been written by: %s.",
		value, round(culprit.op.From-over.op.To), by.String(), from.String())
}

// lines returns the explanation as lines for people.
func (r *Register) lines() (lines []string) {
	lines = append(lines, r.legalText())
	if r.Source != "" {
		lines = append(lines, r.Source)
	}
	for i := range r.Before {
		lines = append(lines, "Acknowledged last before it: "+r.Before[i].String())
	}
	for i := range r.Concurrent {
		lines = append(lines, "Open at the same time: "+r.Concurrent[i].String())
	}
	if len(r.Order) == 0 {
		return lines
	}
	shown := r.Order[max(0, len(r.Order)-shownOrder):]
	var parts []string
	for _, o := range shown {
		parts = append(parts, fmt.Sprintf("%s (%s)", o.Text, o.Client))
	}
	all := len(r.Order) + r.Earlier
	begin := fmt.Sprintf("An order explains the %d operations before it: ", all)
	if all == 1 {
		begin = "This explains the operation before it: "
	} else if all > len(shown) {
		begin = fmt.Sprintf("An order explains the %d operations before it; the last of them: ", all)
	}
	return append(lines, begin+strings.Join(parts, ", ")+fmt.Sprintf(". Then the value is %s.", r.Then))
}

// legalText says what the step could have found.
func (r *Register) legalText() string {
	text := "No value would have been right."
	if len(r.Legal) > 0 {
		text = fmt.Sprintf("At this point only %s would have been right.", either(r.Legal))
	}
	if !r.LegalKnown {
		text += " Others may be, too: the search took too long."
	}
	return text
}

// either joins values with "or".
func either(values []string) string {
	values = slices.Clone(values)
	for i, v := range values {
		if v == missing {
			values[i] = "no value (null)"
		}
	}
	if n := len(values); n > 1 {
		return strings.Join(values[:n-1], ", ") + " or " + values[n-1]
	}
	return values[0]
}

// Operations returns pointers to all operations of the explanation.
func (r *Register) Operations() (all []*Operation) {
	all = append(all, &r.Operation)
	for _, some := range [][]Operation{r.Origins, r.Before, r.Concurrent, r.Order} {
		for i := range some {
			all = append(all, &some[i])
		}
	}
	return all
}

// requests returns the requests of the operations that the text names first.
func (r *Register) requests() (all []Request) {
	for _, some := range [][]Operation{r.Origins, r.Before, r.Concurrent} {
		for i := range some {
			all = append(all, some[i].Request())
		}
	}
	return all
}

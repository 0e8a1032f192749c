package checker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/txn"
)

// Transactions checks that the transactions of a history fit consistency models. analyse is
// txn.Lists or txn.Registers.
func Transactions(h *history.History, models []txn.Model, analyse func([]txn.Txn, []txn.Model) txn.Result) ([]Problem, []Number) {
	var ops []*history.Op
	var txns []txn.Txn
	for op := range h.All() {
		if op.F != "txn" {
			continue
		}
		if t, ok := transaction(op, len(txns)+1); ok {
			ops, txns = append(ops, op), append(txns, t)
		}
	}
	r := analyse(txns, models)
	var f findings
	for _, finding := range r.Findings[:r.Forbidden] {
		c := cycleOf(&finding, ops, txns)
		if !f.add(string(finding.Anomaly), finding.At, -1, "%s", c.text(broken(models, finding.Anomaly), finding.Steps[0])) {
			continue
		}
		f.last().Cycle = c
		for _, at := range finding.Txns {
			f.addRequests(ops[at])
		}
	}
	if r.Edges == 0 {
		f.unknown("no-dependencies", 0, "no transaction depends on another one, so there was nothing to judge")
	}
	numbers := []Number{{Name: "transactions", Value: len(txns)}, {Name: "dependencies between them", Value: r.Edges}}
	if len(r.Held) > 0 {
		numbers = append(numbers, Number{Name: "strongest models not contradicted", Value: join(r.Held)})
	}
	if len(r.Broken) > 0 {
		numbers = append(numbers, Number{Name: "weakest models contradicted", Value: join(r.Broken)})
	}
	for _, finding := range r.Findings[r.Forbidden:] {
		if name := "allowed: " + string(finding.Anomaly); len(numbers) == 0 || numbers[len(numbers)-1].Name != name {
			numbers = append(numbers, Number{Name: name, Value: r.Count[finding.Anomaly]})
		}
	}
	return f.problems(), numbers
}

// broken returns those models that forbid an anomaly.
func broken(models []txn.Model, anomaly txn.Anomaly) (all []txn.Model) {
	for _, m := range models {
		if txn.Forbidden([]txn.Model{m}, anomaly) {
			all = append(all, m)
		}
	}
	return all
}

func join(models []txn.Model) string {
	names := make([]string, len(models))
	for i, m := range models {
		names[i] = string(m)
	}
	return strings.Join(names, ", ")
}

// transaction returns what an operation asked for and got.
func transaction(op *history.Op, number int) (t txn.Txn, ok bool) {
	t = txn.Txn{
		Name: fmt.Sprintf("T%d (%s at %s)", number, op.Client, op.Node), Process: op.Process,
		From: op.From, To: op.To, Final: op.Final, Outcome: txn.Indefinite,
	}
	text := op.Value
	switch op.Outcome {
	case history.OK:
		t.Outcome, text = txn.OK, op.Result
	case history.Fail:
		t.Outcome = txn.Fail
	}
	var err error
	t.Ops, err = txn.Parse(text)
	if op.Again {
		// Another copy of a request may have been executed, or got the same reply. What it
		// read was there either way. It is not part of the client's session.
		t.Process = -number
		return t, err == nil && t.Outcome == txn.OK && !slices.ContainsFunc(t.Ops, func(op txn.Op) bool { return op.Kind != txn.Read })
	}
	return t, err == nil
}

package main

import (
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
)

// Package eddytest tests what is found of these nodes, in virtual time.
func init() {
	for _, bug := range append(testnode.Bugs(), testnode.WithoutBug()...) {
		testNodes["bug-"+bug.Workload+"-"+bug.Name] = program.Main(bug.Run)
	}
	for _, bug := range testnode.RelayBugs {
		testNodes["relay-"+bug.Name] = program.Main(testnode.Relay(bug.Name))
	}
	for name, run := range testnode.TxnNodes {
		testNodes["lists-"+name] = program.Main(func(p *program.Process) { run(p, false) })
	}
}

// Bugnode is a node with a bug, for tests of what a page says of it: bugnode WORKLOAD BUG.
package main

import (
	"os"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
)

func main() {
	workload, bug, p := os.Args[1], os.Args[2], program.OS()
	switch workload {
	case "g-set", "g-counter", "pn-counter":
		testnode.BuggyReplicas[bug](p, workload == "g-set")
	case "kafka":
		testnode.Logs(bug)(p)
	case "txn-list-append", "txn-rw-register":
		testnode.TxnNodes[bug](p, workload == "txn-rw-register")
	case "relay":
		testnode.Relay(bug)(p)
	default:
		for _, b := range testnode.Bugs() {
			if b.Workload == workload && b.Name == bug {
				b.Run(p)
				return
			}
		}
		testnode.Buggy[bug](p)
	}
}

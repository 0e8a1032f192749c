package natsnet

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/internal/golden"
)

func TestReasonsInDocs(t *testing.T) {
	var table strings.Builder
	table.WriteString("| reason | which messages |\n|---|---|\n")
	for _, r := range reasons {
		fmt.Fprintf(&table, "| `%s` | %s |\n", r.name, r.meaning)
	}
	golden.Section(t, "../docs/nats.md", "reasons", table.String())
}

// Every counter of messages that were not delivered has exactly one reason.
func TestReasonsAreComplete(t *testing.T) {
	typ := reflect.TypeFor[Counts]()
	for i := range typ.NumField() {
		var c Counts
		reflect.ValueOf(&c).Elem().Field(i).SetInt(7)
		var found []string
		for _, r := range reasons {
			if r.count(&c) == 7 {
				found = append(found, r.name)
			}
		}
		want := 1
		switch typ.Field(i).Name {
		case "In", "Out", "Reconnects":
			want = 0
		}
		if len(found) != want {
			t.Errorf("%s has the reasons %q", typ.Field(i).Name, found)
		}
	}
}

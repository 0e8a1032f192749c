package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The page shows the way of a lost element: the lost message is a link to the diagram, it is
// among the causes, and the page does not say that nothing was lost.
func TestWay(t *testing.T) {
	b := newBench(t)
	dir := b.test(t, "lost")
	text, err := os.ReadFile(filepath.Join(dir, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	var results struct {
		Reasons []struct {
			Text string
			Way  struct{ Text string }
		}
	}
	if err := json.Unmarshal(text, &results); err != nil {
		t.Fatal(err)
	}
	reason := results.Reasons[0]
	if !strings.Contains(reason.Text, "was lost by the link, and it was not sent again") {
		t.Fatalf("the first reason is %s", reason.Text)
	}
	tb := openReport(t, dir, "")
	lines := strings.Split(reason.Text, "\n")
	tb.has("h1", "a value that was acknowledged is missing in the last read of a node")
	tb.has(".first.example", lines[0])
	for _, line := range lines[1:] {
		tb.has(".story .lines", line)
	}
	tb.click(".lines li.lost a")
	tb.see(`/^#m\d+$/.test(location.hash)`)
	tb.has(".panel", "lost at")
	lost := eval[int](tb, `Number(location.hash.slice(2))`)

	eval[bool](tb, `location.hash = "#v0", true`)
	tb.has(".panel", "Violation: lost")
	tb.has(".losses", "No partition or other fault was in force. Of these messages")
	tb.see(`!document.querySelector(".losses").innerText.includes("No message was lost")`)
	tb.see(fmt.Sprintf(`(d => d.focus.messages.has(%d) && d.drawn.includes(%[1]d))(eddy.explorers[0].diagram)`, lost))
}

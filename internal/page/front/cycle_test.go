package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A foundCycle is a cycle of results.json.
type foundCycle struct {
	Transactions []struct {
		Name  string
		Steps []struct{ Text string }
	}
	Edges []struct{ Kind, Text string }
}

// cycleIn returns the cycle of the first reason of a test.
func cycleIn(t *testing.T, dir string) foundCycle {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	var results struct{ Reasons []struct{ Cycle foundCycle } }
	if err := json.Unmarshal(text, &results); err != nil {
		t.Fatal(err)
	}
	c := results.Reasons[0].Cycle
	if len(c.Edges) < 2 || len(c.Edges) != len(c.Transactions) {
		t.Fatalf("the first reason is no cycle: %+v", c)
	}
	return c
}

// A cycle of transactions is drawn with what results.json says about it: boxes with the
// operations, and arrows whose sentences show on hover and focus and stand in a list.
func TestCycle(t *testing.T) {
	b := newBench(t)
	dir := b.test(t, "cycle")
	c := cycleIn(t, dir)
	tb := openReport(t, dir, "")
	if n := eval[int](tb, `document.querySelectorAll(".txn").length`); n != len(c.Transactions) {
		t.Errorf("%d boxes", n)
	}
	if n := eval[int](tb, `document.querySelectorAll("g.edge path.line").length`); n != len(c.Edges) {
		t.Errorf("%d arrows", n)
	}
	for _, x := range c.Transactions {
		for _, step := range x.Steps {
			tb.has(".ring", x.Name)
			tb.has(".ring", step.Text)
		}
	}
	for _, e := range c.Edges {
		tb.has(".edges", e.Text)
		tb.see(fmt.Sprintf(`document.querySelector(".arrows").textContent.includes(%q)`, e.Kind))
	}
	tb.see(`document.querySelector("#t0-explained") === null`)

	// The sentence of an arrow shows under the pointer, and with the keyboard.
	const at = `(() => { const b = document.querySelectorAll("g.edge rect")[1].getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2]; })()`
	middle := eval[[]float64](tb, at)
	tb.hover(middle[0], middle[1])
	tb.has(".said", c.Edges[1].Text)
	tb.see(`document.querySelectorAll(".edges li")[1].classList.contains("on")`)
	tb.hover(2, 2)
	tb.see(`document.querySelector(".said").innerText === ""`)
	eval[bool](tb, `document.querySelector(".txn a").focus(), true`)
	for range len(c.Transactions) {
		tb.run(chromedp.KeyEvent(kb.Tab))
	}
	tb.see(`document.activeElement === document.querySelector("g.edge")`)
	tb.has(".said", c.Edges[0].Text)
	tb.see(`document.querySelectorAll(".txn.on").length === 2`)
	tb.see(`document.querySelectorAll(".txn li.on").length > 0`)

	// A click on a box leads to the operation in the diagram.
	tb.click(".txn ul")
	tb.see(`/^#m\d+$/.test(location.hash)`)
	tb.has(".panel", "txn #")
	tb.see(`document.querySelectorAll(".txn").length > 1`)
}

// A cycle fits a phone, and its colours change with the system's.
func TestCycleOnAPhone(t *testing.T) {
	b := newBench(t)
	tb := openReport(t, b.test(t, "cycle"), "")
	tb.see(`!document.querySelector(".ring").classList.contains("column")`)
	tb.run(chromedp.EmulateViewport(390, 844))
	tb.settle()
	tb.see(`document.querySelector(".ring").classList.contains("column")`)
	tb.see(`document.documentElement.scrollWidth <= innerWidth`)
	tb.see(`(r => [...document.querySelectorAll(".txn, g.edge")].every(e => { const b = e.getBoundingClientRect(); return b.left >= r.left - 1 && b.right <= innerWidth; }))(document.querySelector(".ring").getBoundingClientRect())`)
	// No arrow covers a box.
	tb.see(`[...document.querySelectorAll("g.edge rect")].every(e => { const a = e.getBoundingClientRect(); return [...document.querySelectorAll(".txn")].every(x => { const b = x.getBoundingClientRect(); return a.right <= b.left || b.right <= a.left || a.bottom <= b.top + 1 || b.bottom <= a.top + 1; }); })`)
	colour := func() string { return eval[string](tb, `getComputedStyle(document.querySelector("g.edge")).color`) }
	light := colour()
	call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
	tb.settle()
	if dark := colour(); dark == light || !strings.HasPrefix(dark, "rgb") {
		t.Errorf("an arrow is %s in light and %s in dark mode", light, dark)
	}
}

// hover moves the pointer to a point of the page.
func (tb *tab) hover(x, y float64) {
	tb.Helper()
	tb.run(chromedp.MouseEvent("mouseMoved", x, y))
	tb.settle()
}

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// smallest is a case that eddy hunt has found: a node that keeps its values in memory is
// killed after it got one.
const smallest = `{"version":1,"smallest":true,"nodes":["n1","n2"],"time_limit_ns":651602860,
"faults":[{"kind":"kill","nodes":["n2"],"begin_ns":253465828,"end_ns":631602860}],
"asks":[{"at_ns":0,"client":0,"node":"n1","turn":1}]}`

// overlaps counts the labels that cover another label, the name of a lane, or the axis.
const overlaps = `(() => {
	const d = eddy.explorers[0].diagram, all = d.labels.written.map((l) => l.box), wide = d.canvas.clientWidth, high = d.canvas.clientHeight;
	const out = all.filter((b) => b[0] < 86 || b[2] > wide || b[3] > high - 24).length;
	return out + all.filter((a, i) => all.some((b, k) => k !== i && a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3])).length;
})()`

// labels are the texts beside the lines of the diagram.
const labels = `eddy.explorers[0].diagram.labels.written.map((l) => l.text)`

// The diagram of a small case shows what messages say, in the file of SVG, too.
func TestLabels(t *testing.T) {
	b := newBench(t)
	tb := openReport(t, b.test(t, "smallest"), "")
	for _, text := range []string{"broadcast 0", "broadcast_ok", "read_ok [0]", "read_ok []"} {
		tb.see(fmt.Sprintf(`%s.includes(%q)`, labels, text))
	}
	file := tb.saved()
	for _, text := range []string{"broadcast 0", "read_ok [0]"} {
		if !strings.Contains(file, ">"+text+"</text>") {
			t.Errorf("the file does not have %s", text)
		}
	}
	if differ := tb.differsFromCanvas(file); differ > 0.05 {
		t.Errorf("the file differs from the canvas in %.0f %% of the pixels", differ*100)
	}
	for _, wide := range []int64{1366, 390} {
		tb.run(chromedp.EmulateViewport(wide, 900))
		tb.settle()
		tb.see(fmt.Sprintf(`%s.includes("broadcast 0")`, labels))
		tb.see(fmt.Sprintf(`%s.every((t) => t.length <= 34)`, labels))
		if n := eval[int](tb, overlaps); n != 0 {
			t.Errorf("at %d pixels %d labels cover something: %v", wide, n, eval[[]string](tb, labels))
		}
		tb.see(`document.documentElement.scrollWidth <= innerWidth`)
	}
	call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
	tb.settle()
}

// A part of a large test has labels, too, once few messages are in view.
func TestLabelsOfAPart(t *testing.T) {
	b := newBench(t)
	tb := openReport(t, b.test(t, "large"), "")
	tb.see(labels + `.length === 0`)
	eval[bool](tb, `(e => { const { sent } = e.test.m; e.view.show(sent[40], sent[48] + 1); return true; })(eddy.explorers[0])`)
	tb.see(labels + `.some((t) => /^broadcast [0-9]/.test(t))`) // a type and a value
	if n := eval[int](tb, overlaps); n != 0 {
		t.Errorf("%d labels cover something: %v", n, eval[[]string](tb, labels))
	}
	tb.see(`document.querySelector(".happened").hidden`)
	tb.see(`document.querySelector(".smallest") === null`)
}

// The page says that a test repeats a case, and what happened in it. A line of the story
// selects its message.
func TestStoryOfACase(t *testing.T) {
	b := newBench(t)
	tb := openReport(t, b.test(t, "smallest"), "")
	tb.has(".smallest", "the smallest case that was found: 1 request, 1 fault, 0 lost or doubled messages and 2 nodes")
	for _, line := range []string{"c3 asks n1: broadcast 0", "n2 is killed", "ok [0] after 0 ms", "repeated requests"} {
		tb.has(".happened", line)
	}
	tb.run(chromedp.Click(`//*[@class="happened"]//a[contains(., "n1 -> n2")]`))
	tb.settle()
	tb.see(`/^#m\d+$/.test(location.hash)`)
	tb.has(".panel", "n1 → n2 broadcast")
	tb.see(`eddy.explorers[0].diagram.focus.selected === Number(location.hash.slice(2))`)
	tb.has(".happened li.on", "n1 -> n2")
	tb.press("Clear the selection")
	tb.see(`document.querySelector(".happened li.on") === null`)
}

// A test that repeats final requests shows at first what happened before the second round.
func TestFirstView(t *testing.T) {
	b := newBench(t)
	tb := openReport(t, b.test(t, "smallest"), "")
	const sent = `eddy.explorers[0].test.m.sent`
	first := eval[float64](tb, sent+`[0]`)
	from, to := tb.view()
	if from > first || first-from > (to-from)/10 || to < 800 || to > 2000 {
		t.Errorf("the page shows %v to %v ms at first; the first message is at %v", from, to, first)
	}
	tb.press("Whole test")
	if _, to := tb.view(); to < 10_000 {
		t.Errorf("the whole test ends at %v ms", to)
	}
}

package main

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The top of the page shows the verdict, the first violation, and the command that runs the test again.
func TestTop(t *testing.T) {
	b := newBench(t)
	tb := openReport(t, b.test(t, "double-reply"), "")
	tb.has(".badge", "FAIL")
	tb.has("h1", "relay on 3 nodes failed: ")
	tb.has(".kinds", "double-reply, ")
	tb.has("h1", "a client got more than one reply to a request")
	tb.has(".kinds", "Settle a call once")
	if text := tb.text(".example"); !strings.Contains(text, "got 2 replies: the ") {
		t.Errorf("the first violation reads %q", text)
	}
	const command = "eddy test --store double-reply -w relay --bin ./nodes --node-count 3 --concurrency 4 --rate 20 --time-limit 1.5 --latency exponential:45ms --call-timeout 100ms --seed 7 -- double"
	tb.has(".command code", command)
	eval[bool](tb, `navigator.clipboard.writeText = async (text) => { globalThis.copied = text; }, true`)
	tb.click("button.copy")
	tb.see(fmt.Sprintf(`globalThis.copied === %q`, command))
	tb.has("button.copy", "Copied")
}

func TestZoomAndPan(t *testing.T) {
	b := newBench(t)
	tb := openReport(t, b.test(t, "pass"), "")
	box := eval[[]float64](tb, `(() => { const b = document.querySelector(".picture > canvas:not(.overview)").getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()`)
	x, y := box[0]+box[2]*0.4, box[1]+box[3]/2
	at := func() float64 { return eval[float64](tb, fmt.Sprintf(`eddy.explorers[0].diagram.at(%f)`, x-box[0])) }

	from, to := tb.view()
	under := at()
	tb.wheel(x, y, -240)
	if f, u := tb.view(); u-f > (to-from)*0.6 {
		t.Errorf("the wheel zooms from %v ms to %v", to-from, u-f)
	}
	if d := (at() - under) / (to - from) * box[2]; d > 1 || d < -1 {
		t.Errorf("what is under the pointer moves by %v pixels", d)
	}
	tb.has(".picture .status", "messages")

	from, to = tb.view()
	tb.run(chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, x, y, chromedp.ButtonLeft),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x-100, y, chromedp.ButtonLeft),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, x-100, y, chromedp.ButtonLeft))
	tb.settle()
	if f, u := tb.view(); f <= from || math.Abs(u-f-(to-from)) > 1e-6 { // a sum may be rounded
		t.Errorf("dragging to the left shows %v to %v ms, before %v to %v", f, u, from, to)
	}

	from, to = tb.view()
	tb.keys("+")
	if f, u := tb.view(); u-f >= to-from {
		t.Error("+ does not zoom in")
	}
	tb.keys("-")
	for _, step := range []struct {
		what  string
		do    func()
		later bool
	}{
		{"the right arrow key", func() { tb.keys(kb.ArrowRight) }, true},
		{"the left arrow key", func() { tb.keys(kb.ArrowLeft) }, false},
		{"the button for later", func() { tb.press("▶") }, true},
		{"the button for earlier", func() { tb.press("◀") }, false},
	} {
		from, _ := tb.view()
		step.do()
		if f, _ := tb.view(); f == from || f > from != step.later {
			t.Errorf("%s shows from %v ms, before from %v", step.what, f, from)
		}
	}
	tb.keys(kb.Home)
	if f, u := tb.view(); f != 0 || u < 2000 {
		t.Errorf("Home shows %v to %v ms", f, u)
	}
	// The strip above moves the view.
	tb.keys("++")
	strip := eval[[]float64](tb, `(() => { const b = document.querySelector(".overview").getBoundingClientRect(); return [b.left, b.top, b.width, b.height, eddy.explorers[0].view.end]; })()`)
	tb.run(chromedp.MouseClickXY(strip[0]+strip[2]*0.7, strip[1]+strip[3]/2))
	tb.settle()
	if f, u := tb.view(); (f+u)/2 < 0.65*strip[4] || (f+u)/2 > 0.75*strip[4] {
		t.Errorf("a click at 0.7 of the strip shows %v to %v ms of %v", f, u, strip[4])
	}
	for range 40 {
		tb.press("+")
	}
	if f, u := tb.view(); u-f > 0.01 {
		t.Errorf("zooming in ends at %v ms", u-f)
	}
	tb.press("Whole test")
	if f, u := tb.view(); f != 0 || u < 2000 {
		t.Errorf("the whole test is %v to %v ms", f, u)
	}
}

func TestFilterAndSearch(t *testing.T) {
	b := newBench(t)
	tb := openReport(t, b.test(t, "pass"), "")
	choose := func(id, value string) {
		t.Helper()
		eval[bool](tb, fmt.Sprintf(`(() => { const s = document.getElementById("t0-%s"); s.value = [...s.options].find(o => o.text === %q).value; s.dispatchEvent(new Event("change")); return true; })()`, id, value))
		tb.settle()
	}
	all := eval[int](tb, `eddy.explorers[0].diagram.drawn.length`)
	choose("fate", "lost")
	lost := eval[int](tb, `eddy.explorers[0].diagram.drawn.length`)
	if lost == 0 || lost >= all {
		t.Errorf("%d of %d messages are shown as lost", lost, all)
	}
	tb.see(`(d => d.drawn.every(i => d.test.fate(i) === "lost"))(eddy.explorers[0].diagram)`)
	tb.has(".picture .status", fmt.Sprintf("%d messages that fit the filter", lost))
	choose("fate", "any")
	choose("node", "n1")
	tb.see(`(d => d.drawn.length > 0 && d.drawn.every(i => [d.test.m.src[i], d.test.m.dest[i]].some(n => d.test.name(n) === "n1")))(eddy.explorers[0].diagram)`)
	choose("type", "relay_ok")
	tb.see(`(d => d.drawn.length > 0 && d.drawn.every(i => d.test.name(d.test.m.type[i]) === "relay_ok"))(eddy.explorers[0].diagram)`)

	find := func(text string) {
		t.Helper()
		eval[bool](tb, fmt.Sprintf(`document.getElementById("t0-search").value = %q, true`, text))
		tb.press("Go")
	}
	find("c1/1")
	tb.has(".panel h3", "Call c1/1")
	find("7")
	tb.has(".panel", "message 7")
	find("c99/<b>")
	tb.has(".toolbar", "c99/<b> was not found")
}

// A message leads to its call, which shows its attempts.
func TestMessageAndCall(t *testing.T) {
	b := newBench(t)
	tb := openReport(t, b.test(t, "double-reply"), "")
	// An attempt that is not the first one.
	i := eval[int](tb, `(() => { const t = eddy.explorers[0].test, m = t.m;
		for (let i = 0; i < m.count; i++) if (m.call[i] && t.calls.parent[m.call[i]] && t.calls.first[m.call[i]] !== i && (m.flags[i] & 16)) return i; return -1; })()`)
	if i < 0 {
		t.Fatal("no call was tried again")
	}
	eval[bool](tb, fmt.Sprintf(`(e => { const s = e.test.m.sent[%d]; e.view.set(s - 5, s + 60); return true; })(eddy.explorers[0])`, i))
	tb.settle()
	tb.clickMessage(i)
	tb.see(fmt.Sprintf(`location.hash === "#m%d"`, i))
	tb.has(".panel", "Sent")
	tb.has(".panel", "attempt 2 of")
	tb.see(`document.querySelector("pre.body").innerText.includes('"type": "echo"')`)
	tb.click(".panel dd a")
	tb.see(`location.hash.startsWith("#k")`)
	tb.has(".panel", "A bar shows the timeout of an attempt, 100 ms")
	tb.see(`(f => f.alone && f.bars.length >= 2 && f.bars.every((b, k) => b.label === String(k + 1) && Math.abs(b.to - b.from - 100) < 0.01))(eddy.explorers[0].diagram.focus)`)
	tb.see(`(d => d.drawn.every(i => d.focus.messages.has(i)))(eddy.explorers[0].diagram)`)
	tb.has(".panel table", "late")
	// A bar is on the canvas, in its colour, below the number.
	tb.see(`(d => { const b = d.focus.bars[0], c = d.canvas.getContext("2d"), y = d.canvas.height; let n = 0;
		const data = c.getImageData(Math.round(d.x((b.from + b.to) / 2)), 0, 1, y).data;
		for (let k = 0; k < data.length; k += 4) if (data[k] < 235 && data[k + 2] > 150) n++;
		return n >= 4; })(eddy.explorers[0].diagram)`)
	tb.shot("a-call", 860)
	tb.press("Clear the selection")
	tb.see(`eddy.explorers[0].diagram.focus === null`)
	tb.run(chromedp.NavigateBack())
	tb.see(`eddy.explorers[0].diagram.focus?.alone === true`)
}

// A click on a violation shows its possible causes; the other messages are faded.
func TestViolation(t *testing.T) {
	b := newBench(t)
	tb := openReport(t, b.test(t, "double-reply"), "")
	tb.run(chromedp.Click(`//a[contains(., "Show what could have caused it")]`))
	tb.settle()
	tb.has(".panel h3", "Violation: double-reply")
	tb.has(".panel", "The rest is faded")
	tb.see(`(d => d.focus.messages.size >= 6 && !d.focus.alone && d.drawn.length > d.focus.messages.size)(eddy.explorers[0].diagram)`)
	tb.has(".path .shows", "relay_ok")
	tb.see(`(e => { const m = e.test.m, f = e.diagram.focus; return [...f.messages].every(i => m.sent[i] <= f.mark + 1e-6); })(eddy.explorers[0])`)

	tb = openReport(t, b.test(t, "split"), "#v0")
	tb.has(".panel", "Faults at this time")
	tb.has(".panel", "partition halves")
	tb.has(".panel .path", "copy")

	tb = openReport(t, b.test(t, "violation"), "#v0")
	tb.has("h1", "DEBUG: got an echo from")
	tb.has(".panel", "the last messages of its node")
}

// The diagram shows kills, partitions, losses and duplicates.
func TestFaultsAreDrawn(t *testing.T) {
	b := newBench(t)
	colours := func(tb *tab, at string) int { // other than the ground's, in a column of the canvas
		return eval[int](tb, fmt.Sprintf(`(d => { const c = d.canvas.getContext("2d"), data = c.getImageData(Math.round(d.x(%s)), 45, 1, d.canvas.height - 80).data; let n = 0;
			for (let k = 0; k < data.length; k += 4) if (data[k] < 252 || data[k + 2] < 252) n++; return n; })(eddy.explorers[0].diagram)`, at))
	}
	tb := openReport(t, b.test(t, "killed-node"), "")
	tb.see(`eddy.explorers[0].diagram.bands.some(b => b.what === "down" && b.ended)`)
	const down = `(eddy.explorers[0].diagram.bands.find(b => b.what === "down").from + 40)`
	if n := colours(tb, down); n < 15 {
		t.Errorf("where a node does not run, %d pixels differ from the ground", n)
	}
	tb.see(`(t => t.m.of.some(o => o >= 0))(eddy.explorers[0].test)`)
	tb = openReport(t, b.test(t, "pass"), "")
	const cut = `(eddy.explorers[0].diagram.bands.find(b => b.what === "links").from + 100)`
	if n := colours(tb, cut); n < 300 {
		t.Errorf("where links are cut, %d pixels differ from the ground", n)
	}
	tb.has(".more", "partition")
	tb.has(".more", "amplification")
	tb.has(".more", "All messages per operation")
	tb.has(".more", "messages lost during it")
}

// The operations of clients, the latency and the rate are shown. What is selected in one chart is shown in the others.
func TestChartsAndTimeline(t *testing.T) {
	b := newBench(t)
	tb := openReport(t, b.test(t, "pass"), "")
	tb.see(`document.querySelectorAll(".chart canvas").length === 2`)
	tb.has(".charts", "p95")
	tb.has(".charts", "indefinite")
	tb.see(`(() => { document.querySelectorAll(".charts details").forEach(d => d.open = true); return document.querySelectorAll(".charts tbody tr").length > 6; })()`)
	tb.see(`(() => { const d = document.querySelector(".chart canvas"), c = d.getContext("2d").getImageData(0, 0, d.width, d.height).data; let n = 0; for (let k = 3; k < c.length; k += 4) if (c[k] > 0) n++; return n > 2000; })()`)

	tb.run(chromedp.ScrollIntoView(chromedp.CSS(".chart .u-over")))
	box := eval[[]float64](tb, `(() => { const b = document.querySelector(".chart .u-over").getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()`)
	y := box[1] + box[3]/2
	tb.run(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, box[0]+box[2]*.2, y),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, box[0]+box[2]*.2, y, chromedp.ButtonLeft),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, box[0]+box[2]*.4, y, chromedp.ButtonLeft),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, box[0]+box[2]*.4, y, chromedp.ButtonLeft))
	tb.see(`(v => v.from > 0.15 * v.end && v.to < 0.45 * v.end)(eddy.explorers[0].view)`)

	tb.press("Whole test")
	tb.run(chromedp.ScrollIntoView(chromedp.CSS("canvas.timeline")))
	// The middle of the first client's first operation.
	at := eval[[]float64](tb, `(() => { const e = eddy.explorers[0], o = e.test.ops, b = document.querySelector("canvas.timeline").getBoundingClientRect();
		const c1 = e.test.head.names.indexOf("c1"); for (let i = 0; i < o.count; i++) if (o.client[i] === c1) return [b.left + e.diagram.x(o.from[i]) * 0 + 92 + (o.from[i] - e.view.from) / (e.view.to - e.view.from) * (b.width - 106) + 1, b.top + 9]; })()`)
	tb.run(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0], at[1]), chromedp.MouseClickXY(at[0], at[1]))
	tb.see(`location.hash.startsWith("#k")`)
	tb.has(".panel h3", "Call c1/")
}

// If not all lanes have room, those of the selected messages have.
func TestManyLanes(t *testing.T) {
	b := newBench(t)
	tb := openReport(t, b.test(t, "many"), "")
	tb.has(".picture .status", "Lanes 1 to 27 of 41")
	tb.keys(kb.ArrowDown)
	tb.has(".picture .status", "Lanes 2 to 28 of 41")
	i := eval[int](tb, `(t => { for (let i = 0; i < t.m.count; i++) if (t.name(t.m.dest[i]) === "n39") return i; return -1; })(eddy.explorers[0].test)`)
	eval[bool](tb, fmt.Sprintf(`location.hash = "#m%d", true`, i))
	tb.see(`(d => d.focus !== null && d.lanes.names.join() === "1 client,n39")(eddy.explorers[0].diagram)`)
	tb.settle()
	tb.clickMessage(i)
	tb.keys("\u001b")
	tb.see(`eddy.explorers[0].diagram.lanes.names.length === 41`)
}

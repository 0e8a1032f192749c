package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// shots is a directory for pictures of all kinds of pages.
var shots = flag.String("shots", "", "write pictures of all kinds of pages, light and dark, wide and narrow, to this directory")

// photograph shows the page in light and dark, wide and narrow. Nothing may be wider than the
// page, and no column of a table may be so narrow that its words break into letters.
func (tb *tab) photograph(name string) {
	tb.Helper()
	for _, scheme := range []string{"light", "dark"} {
		for _, wide := range []int64{1280, 390} {
			call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
			tb.run(chromedp.EmulateViewport(wide, 1000))
			tb.settle()
			tb.settle()
			if w := eval[int64](tb, `Math.max(...Array.from(document.querySelectorAll("h1,h2,p,figure,.toolbar,.panel,.scroll,.legend")).map(e => Math.ceil(e.getBoundingClientRect().right)))`); w > wide {
				tb.Errorf("%s: something ends at %d of %d pixels", name, w, wide)
			}
			if broken := eval[string](tb, `Array.from(document.querySelectorAll("td")).filter(e => { const s = getComputedStyle(e); const w = e.clientWidth - parseFloat(s.paddingLeft) - parseFloat(s.paddingRight); return e.textContent.length > 6 && w > 0 && w < 30; }).map(e => e.textContent).join("; ")`); broken != "" {
				tb.Errorf("%s, %d pixels: narrow cells: %s", name, wide, broken)
			}
			if *shots == "" {
				continue
			}
			tb.run(chromedp.EmulateViewport(wide, min(4000, eval[int64](tb, `document.documentElement.scrollHeight`))))
			tb.settle()
			picture, err := chromedp.Run(tb.ctx, chromedp.CaptureScreenshot())
			if err != nil {
				tb.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(*shots, fmt.Sprintf("%s-%s-%d.png", name, scheme, wide)), picture, 0o644); err != nil {
				tb.Fatal(err)
			}
		}
	}
}

func TestShots(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"pass", "double-reply", "split", "cycle", "lost", "violation", "many"} {
		t.Run(name, func(t *testing.T) {
			hash := "#v0"
			if name == "pass" || name == "many" {
				hash = ""
			}
			openReport(t, b.test(t, name), hash).photograph(name)
		})
	}
	t.Run("compared", func(t *testing.T) {
		b.must(t, "report", "--compare", "-o", filepath.Join(b.dir, "shots.html"), b.test(t, "double-reply"), b.test(t, "relayed"))
		tb := open(t, "file://"+filepath.Join(b.dir, "shots.html"), 1366, 900)
		tb.run(chromedp.WaitReady(chromedp.CSS("body[data-ready]")))
		// Both diagrams fit into one window.
		tb.see(`(d => d.length === 2 && d[1].getBoundingClientRect().bottom - d[0].getBoundingClientRect().top < 1500)(document.querySelectorAll(".picture > canvas:not(.overview)"))`)
		tb.photograph("compared")
	})
}

// What a page says about addresses that lead to nothing, and keys that work before a click.
func TestNothingAndKeys(t *testing.T) {
	b := newBench(t)
	tb := openReport(t, b.test(t, "double-reply"), "#m99999999")
	tb.has(".panel", "There is no message 99,999,999: this test has")
	eval[bool](tb, `location.hash = "#v77", true`)
	tb.has(".panel", "There is no violation 77 in this test")
	eval[bool](tb, `location.hash = "", document.activeElement.blur(), true`)
	tb.settle()
	from, to := tb.view()
	tb.run(chromedp.KeyEvent("+"))
	tb.settle()
	if f, u := tb.view(); u-f >= to-from {
		t.Errorf("after + the view is %v to %v, before it was %v to %v", f, u, from, to)
	}
}

// On a phone a tap on the cause at the top shows what explains it, which is far below.
func TestTapOnTheCause(t *testing.T) {
	b := newBench(t)
	tb := openReport(t, b.test(t, "double-reply"), "")
	tb.run(chromedp.EmulateViewport(390, 844))
	tb.settle()
	tb.click(".ways a")
	tb.see(`(r => r.top >= -1 && r.top < 400)(document.querySelector(".panel").getBoundingClientRect())`)
	tb.has(".panel h3", "double-reply")
}

// The attempts of a relay that ignores late replies are those of one call.
func TestIgnoredReplyIsOneCall(t *testing.T) {
	b := newBench(t)
	tb := openReport(t, b.test(t, "ignores"), "#v0")
	tb.see(`(() => { const t = eddy.explorers[0].test, r = t.head.reasons.find(r => r.check === "reply-ignored"), i = r.record - t.head.first; return t.calls.parent[t.m.call[i]] !== 0 && t.messagesOf(t.m.call[i]).filter(k => (t.m.flags[k] & 16) !== 0).length >= 2; })()`)
}

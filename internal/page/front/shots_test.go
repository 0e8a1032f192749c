package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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

// allShots reports whether the pages of all workloads are shown.
func allShots() bool { return *shots != "" || os.Getenv("EDDY_LONG") != "" }

// bugs are a bug for each workload, and more flags of a test that finds it.
var bugs = []struct{ workload, bug, flags string }{
	{"echo", "wrong-echo", ""},
	{"unique-ids", "counter", ""},
	{"broadcast", "no-retry", "--loss 0.2"},
	{"g-set", "tells-nobody", ""},
	{"g-counter", "tells-nobody", "--nemesis partition --nemesis-interval 0.3"},
	{"pn-counter", "off-by-one", ""},
	{"lin-kv", "stale-100ms", "--rate 100"},
	{"kafka", "drops", "--rate 60"},
	{"txn-list-append", "loses", "--rate 100"},
	{"txn-rw-register", "stale", "--rate 100 --client-latency exponential:3ms"},
	{"relay", "late-lost", "--latency exponential:200ms"},
}

// The page of a failure of each workload, with its cause opened.
func TestShotsOfWorkloads(t *testing.T) {
	if !allShots() {
		t.Skip("it needs -shots or EDDY_LONG: it takes a minute")
	}
	b := newBench(t)
	for _, c := range bugs {
		t.Run(c.workload, func(t *testing.T) {
			args := "test -w " + c.workload + " --bin ./bugnode.wasm --store bugs --node-count 3 --rate 30 --time-limit 2 --seed 1 " + c.flags
			if strings.Contains(c.flags, "--rate") {
				args = strings.Replace(args, "--rate 30 ", "", 1)
			}
			b.must(t, append(strings.Fields(args), "--", c.workload, c.bug)...)
			tb := openReport(t, filepath.Join(b.dir, "bugs", c.workload, "latest"), "#v0")
			tb.has(".badge", "FAIL")
			tb.see(`document.querySelector(".panel h3") !== null`)
			tb.photograph("workload-" + c.workload)
		})
	}
}

// The page of more messages than it draws.
func TestShotsOfTwoMillion(t *testing.T) {
	if !allShots() {
		t.Skip("it needs -shots or EDDY_LONG: it takes a minute")
	}
	b := newBench(t)
	dir := t.TempDir()
	writeMany(t, dir, 1_000_000)
	b.must(t, "report", dir)
	tb := openReport(t, dir, "")
	tb.has("body", "2,000,000")
	tb.photograph("two-million")
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

// The list of tests, the page of a running test, and the page of a plan.
func TestShotsOfOtherPages(t *testing.T) {
	b := newBench(t)
	store := t.TempDir()
	for _, args := range []string{"--bin ./relay --nodes n1 --time-limit 0.3", "--bin ./nodes --nodes n1,n2 --time-limit 0.8 -- debug"} {
		b.must(t, append([]string{"test", "--store", store, "-w", "echo", "--rate", "30", "--seed", "77"}, strings.Fields(args)...)...)
	}
	tb := open(t, b.serve(t, store), 1280, 900)
	tb.see(`document.querySelectorAll("tbody tr").length === 2`)
	tb.photograph("list")

	b.start(t, "test", "--store", store, "-w", "relay", "--bin", "./relay", "--node-count", "3", "--rate", "50", "--time-limit", "60",
		"--loss", "0.05", "--nemesis", "partition", "--nemesis-interval", "0.5")
	tb.see(`document.querySelector("tbody tr")?.innerText.includes("running")`)
	tb.click("tbody a")
	tb.has(".badge", "RUNNING")
	tb.see(`/[1-9]\d\d ok/.test(document.querySelector("dl").innerText)`)
	tb.photograph("live")

	b.must(t, "plan", "--policy", "default", "--policy", "budgeted", "--loss", "0.1", "--round-trip", "exponential:50ms",
		"--rate", "1000", "--duration", "5s", "--capacity", "1200", "--outage", "2s:1s", "--html", "shots-plan.html")
	openPlan(t, filepath.Join(b.dir, "shots-plan.html"), 1280, 900).photograph("plan")
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

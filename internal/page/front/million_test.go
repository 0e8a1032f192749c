package main

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// writeMany stores a test with many messages: requests of clients and replies of nodes, of
// which some are lost.
func writeMany(t *testing.T, dir string, exchanges int) {
	const nodes, clients = 10, 100
	random := rand.New(rand.NewPCG(1, 2))
	file := func(name string) (*bufio.Writer, func()) {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		w := bufio.NewWriterSize(f, 1<<20)
		return w, func() {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
	}
	journal, done := file("journal.jsonl")
	history, doneToo := file("history.jsonl")
	at, step, lost := int64(0), 0, 0
	next := make([]int, nodes)
	for i := range exchanges {
		at += random.Int64N(200_000)
		c, n := i%clients, random.IntN(nodes)
		took := 50_000 + random.Int64N(150_000)
		fate := "delivered"
		if random.IntN(500) == 0 {
			fate = "lost"
		}
		value, id := random.Uint64(), i/clients+1
		if i == exchanges-1 {
			id = math.MaxInt64 // too large for a number in JavaScript
		}
		fmt.Fprintf(journal, `{"message":%d,"src":"c%d","dest":"n%d","sent_ns":%d,"step":%d,"fate":"delivered","done_ns":%d,"done_step":%d,"body":{"type":"echo","echo":"please echo %d","msg_id":%d}}`+"\n",
			2*i, c, n, at, step+1, at, step+2, value, id)
		fmt.Fprintf(journal, `{"message":%d,"src":"n%d","dest":"c%d","sent_ns":%d,"step":%d,"fate":%q,"done_ns":%d,"done_step":%d,"body":{"type":"echo_ok","echo":"please echo %d","in_reply_to":%d,"msg_id":%d}}`+"\n",
			2*i+1, n, c, at+1000, step+3, fate, at+took, step+4, value, id, next[n])
		next[n]++
		outcome := "ok"
		if fate == "lost" {
			outcome = "indefinite"
			lost++
		}
		fmt.Fprintf(history, `{"process":%d,"client":"c%d","node":"n%d","msg_id":%d,"type":%q,"f":"echo","value":"%d","from":%d,"to":%d}`+"\n", c, c, n, i/clients+1, outcome, value, at, at+took)
		step += 4
	}
	done()
	doneToo()
	results := fmt.Sprintf(`{"version":1,"verdict":"pass","reasons":[],"workload":"echo","bin":"./node","nodes":["n0","n1","n2","n3","n4","n5","n6","n7","n8","n9"],"seed":1,"call_timeout_ms":0,`+
		`"command":{"args":["-w","echo"],"dir":"/"},"started":"2026-01-01T00:00:00Z","seconds":50,"operations":{"ok":%d,"fail":0,"indefinite":%d,"per_second":10000,"latency_ms":{"p50":0.1,"p95":0.2,"p99":0.2,"max":0.2}},`+
		`"messages":{"all":%d,"delivered":%d,"lost":%d},"faults":{},"numbers":{},"violations":[],"notes":[],"simulated_nodes":[]}`,
		exchanges-lost, lost, 2*exchanges, 2*exchanges-lost, lost)
	if err := os.WriteFile(filepath.Join(dir, "results.json"), []byte(results), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The page of a million messages has less than 40 MB. It shows their density, and
// arrows for a short time, and it says what it does not contain.
func TestMillion(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	b := newBench(t)
	dir := t.TempDir()
	writeMany(t, dir, 500_000)
	b.must(t, "report", dir)
	info, err := os.Stat(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the page has %.1f MB", float64(info.Size())/1e6)
	if info.Size() > 40e6 {
		t.Errorf("the page has %d bytes", info.Size())
	}
	tb := openReport(t, dir, "")
	t.Logf("drawn after %s ms", eval[string](tb, `document.body.dataset.ready`))
	tb.has(".picture .status", "1,000,000 messages, shown as density")
	tb.see(`eddy.explorers[0].diagram.dense`)
	frames := eval[[]float64](tb, `(async () => { const e = eddy.explorers[0], took = [];
		for (const wide of [e.view.end * .9, e.view.end * .2, 400]) { e.view.set(1000, 1000 + wide); let worst = 0;
			for (let i = 0; i < 12; i++) { const t = performance.now(); e.view.pan(.02); e.diagram.draw(); worst = Math.max(worst, performance.now() - t); await new Promise(requestAnimationFrame); } took.push(worst); }
		return took; })()`)
	t.Logf("the slowest of 12 frames of panning, ms: all %.1f, a fifth %.1f, 400 ms of it %.1f", frames[0], frames[1], frames[2])
	eval[bool](tb, `eddy.explorers[0].view.set(20000, 20010), true`)
	tb.settle()
	tb.see(`!eddy.explorers[0].diagram.dense && eddy.explorers[0].diagram.drawn.length > 100`)
	tb.run(chromedp.KeyEvent("x"))
	eval[bool](tb, `location.hash = "#m999998", true`)
	tb.has(".panel", "message 999,998")
	tb.see(`!document.querySelector("pre.body").innerText.includes("…")`)
	if text := tb.text("pre.body"); text == "" {
		tb.has(".panel", "It is in journal.jsonl, as message 999998")
	}
	tb.see(`document.querySelector(".panel h3").innerText.includes("#9223372036854775807")`)
	tb.run(chromedp.SendKeys(chromedp.CSS("#t0-search"), "c99/9223372036854775807\r"))
	tb.has(".panel h3", "Call c99/9223372036854775807")
	tb.press("Whole test")
	tb.shot("million", 860)
}

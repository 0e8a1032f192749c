package main

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A comparison of two programs with one seed shows the first difference.
func TestCompare(t *testing.T) {
	b := newBench(t)
	double := b.test(t, "double-reply")
	relay := b.test(t, "relayed")
	file := filepath.Join(t.TempDir(), "compare.html")
	b.must(t, "report", "--compare", "-o", file, double, relay)
	tb := open(t, "file://"+file, 1366, 900)
	tb.run(chromedp.WaitReady(chromedp.CSS("body[data-ready]")))
	tb.see(`document.querySelectorAll("header.verdict").length === 2`)
	tb.has(".compare .difference", "First:")
	tb.has(".compare table", "verdict")
	tb.see(`eddy.explorers.length === 2 && eddy.explorers[0].view === eddy.explorers[1].view`)
	tb.shot("compare", 1000)
	tb.run(chromedp.Click(`//div[@id="app"]//a[contains(., "Show in ")]`))
	tb.settle()
	tb.see(`/^#[ab]-[mk]\d+$/.test(location.hash)`)
	tb.see(`eddy.explorers.filter(e => e.diagram.focus !== null).length === 1`)

	// A test does not differ from itself.
	b.must(t, "report", "--compare", "-o", file, double, double)
	tb = open(t, "file://"+file, 1366, 900)
	tb.run(chromedp.WaitReady(chromedp.CSS("body[data-ready]")))
	tb.has(".compare", "There is no difference: every operation ended in the same way")
	tb.has(".compare table", "0 differences")
}

// eddy serve shows the list with a filter, a report, and a running test, whose page becomes its report.
func TestServe(t *testing.T) {
	b := newBench(t)
	store := t.TempDir()
	b.must(t, "test", "--store", store, "-w", "echo", "--bin", "./relay", "--nodes", "n1", "--rate", "30", "--time-limit", "0.3", "--seed", "77")
	b.must(t, "test", "--store", store, "-w", "echo", "--bin", "./nodes", "--nodes", "n1", "--rate", "30", "--time-limit", "0.8", "--seed", "78", "--", "debug")
	url := b.serve(t, store)
	tb := open(t, url, 1366, 700)
	tb.see(`document.querySelectorAll("tbody tr").length === 2`)
	tb.see(`document.querySelector("tbody tr").innerText.includes("78")`) // the newest first
	tb.has("tbody tr.x, tbody", "not JSON")
	tb.shot("serve", 400)
	tb.run(chromedp.SendKeys(chromedp.CSS("#filter"), "pass 77"))
	tb.see(`document.querySelectorAll("tbody tr").length === 1 && document.querySelector("tbody").innerText.includes("77")`)
	tb.click("tbody a")
	tb.has(".badge", "PASS")
	tb.see(`document.body.dataset.ready !== undefined`)

	running := b.start(t, "test", "--store", store, "-w", "echo", "--bin", "./relay", "--nodes", "n1", "--rate", "50", "--time-limit", "3", "--seed", "79")
	tb.run(chromedp.Navigate(url))
	tb.see(`document.querySelector("tbody tr")?.innerText.includes("running")`)
	tb.click("tbody a")
	tb.has(".badge", "RUNNING")
	tb.see(`/[1-9]\d* ok/.test(document.querySelector("dl").innerText)`)
	before := eval[string](tb, `document.querySelector("dl").innerText`)
	tb.see(`document.querySelector("dl")?.innerText !== ` + quoted(before))
	tb.see(`document.querySelector(".chart canvas") !== null`)
	if err := running.Wait(); err != nil {
		t.Fatal(err)
	}
	tb.see(`document.querySelector(".badge")?.innerText === "PASS" && document.body.dataset.ready !== undefined`)
}

// start starts a command, which is killed when the test ends.
func (b *bench) start(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(filepath.Join(b.dir, "eddy"), args...)
	cmd.Dir = b.dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

// serve starts eddy serve and returns its address.
func (b *bench) serve(t *testing.T, store string) (url string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(b.dir, "eddy"), "serve", "--addr", "127.0.0.1:0", store)
	cmd.Dir = b.dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	url, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(url)
}

func quoted(s string) string { return "`" + strings.ReplaceAll(s, "`", "") + "`" }

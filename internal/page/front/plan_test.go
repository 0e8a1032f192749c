package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// openPlan opens a page of eddy plan and waits until its charts are drawn.
func openPlan(t *testing.T, path string, wide, high int64, before ...chromedp.Action[chromedp.Void]) *tab {
	t.Helper()
	tb := open(t, "file://"+path, wide, high, before...)
	tb.run(chromedp.WaitReady(chromedp.CSS("body[data-ready]")))
	tb.settle()
	return tb
}

// The charts show the numbers of the results.
func TestPlanPage(t *testing.T) {
	b := newBench(t)
	b.must(t, "plan", "--policy", "default", "--policy", "budgeted", "--loss", "0.1", "--latency", "exponential:50ms",
		"--rate", "1000", "--duration", "5s", "--capacity", "1200", "--outage", "2s:1s", "--html", "plan.html")
	tb := openPlan(t, filepath.Join(b.dir, "plan.html"), 1366, 900)
	titles := []string{
		"Load over time: default (the outage is marked)", "Load over time: budgeted (the outage is marked)",
		"Success against loss", "Load against loss", "Time to completion",
	}
	for i, title := range titles {
		tb.see(fmt.Sprintf(`document.querySelectorAll("figcaption")[%d].innerText === %q`, i, title))
	}
	tb.has("pre", "eddy plan --policy default --policy budgeted")
	tb.see(`document.documentElement.scrollWidth <= innerWidth`)

	// Each curve is drawn in its colour.
	const pixels = `((figure, r, g, b) => { const c = document.querySelectorAll("figure")[figure].querySelector("canvas"), d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
		let n = 0; for (let i = 0; i < d.length; i += 4) if (d[i+3] > 200 && Math.abs(d[i]-r) + Math.abs(d[i+1]-g) + Math.abs(d[i+2]-b) < 30) n++; return n; })`
	for i := range titles {
		want := [][3]int{{0x00, 0x72, 0xb2}, {0xd5, 0x5e, 0x00}}
		if i < 2 {
			want = want[i : i+1]
		}
		for _, c := range want {
			if n := eval[int](tb, fmt.Sprintf("%s(%d, %d, %d, %d)", pixels, i, c[0], c[1], c[2])); n < 50 {
				t.Errorf("%s: %d pixels have the colour %x", titles[i], n, c)
			}
		}
	}

	// The legend shows the values under the pointer: without loss, all calls succeed.
	tb.run(chromedp.ScrollIntoView(`//figure[figcaption[text()="Success against loss"]]`))
	over := eval[[]float64](tb, `(b => [b.left, b.top, b.height])(document.querySelectorAll("figure")[2].querySelector(".u-over").getBoundingClientRect())`)
	tb.run(chromedp.MouseEvent("mouseMoved", over[0]+1, over[1]+over[2]/2))
	tb.settle()
	const want = "at0default100 %budgeted100 %"
	if legend := eval[string](tb, `document.querySelectorAll("figure")[2].querySelector(".u-legend").innerText.replace(/\s+/g, " ")`); strings.ReplaceAll(legend, "\u00a0", " ") != want {
		t.Errorf("the legend reads %q, want %q", legend, want)
	}
}

// Names cannot run as a script.
func TestHostilePlan(t *testing.T) {
	b := newBench(t)
	name := "<img src=x onerror=document.title='taken'>.json"
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(`{"attempts":2}`), 0o644); err != nil {
		t.Fatal(err)
	}
	b.must(t, "plan", "--policy", name, "--calls", "1000", "--html", "hostile.html")
	tb := openPlan(t, filepath.Join(b.dir, "hostile.html"), 400, 800)
	tb.has(".u-legend", "<img src=x onerror")
	tb.see(`document.querySelectorAll("img, iframe").length === 0 && !document.title.includes("taken")`)
	tb.see(`document.documentElement.scrollWidth <= innerWidth`)
}

// A plannedPicture is a picture of docs/policies.md, with the command that draws it.
type plannedPicture struct{ command, title, path string }

func plannedPictures(t *testing.T) (all []plannedPicture) {
	text, err := os.ReadFile(docs + "policies.md")
	if err != nil {
		t.Fatal(err)
	}
	command := ""
	for _, found := range regexp.MustCompile("(?s)```sh[^\n]*\n(.*?)\n```|!\\[([^\n]*?)\\]\\((policies/[^\n]*?\\.png)\\)").FindAllStringSubmatch(string(text), -1) {
		if found[1] != "" {
			command = found[1]
			continue
		}
		all = append(all, plannedPicture{command, found[2], docs + found[3]})
	}
	if len(all) == 0 {
		t.Fatal("docs/policies.md has no pictures")
	}
	return all
}

// The pictures of docs/policies.md are charts of the pages that its commands write.
// With -rewrite they are written.
func TestPlannedPictures(t *testing.T) {
	pictures := plannedPictures(t)
	if !*rewrite {
		for _, p := range pictures {
			if _, err := os.Stat(p.path); err != nil {
				t.Error(err)
			}
		}
		return
	}
	b := newBench(t)
	path := filepath.Join(b.dir, "picture.html")
	var tb *tab
	for i, p := range pictures {
		if i == 0 || p.command != pictures[i-1].command {
			cmd := exec.Command("sh", "-c", strings.Replace(p.command, "eddy plan", filepath.Join(b.dir, "eddy")+" plan --html "+path, 1))
			cmd.Dir = docs + "policies"
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", p.command, err, out)
			}
			tb = openPlan(t, path, 760, 900)
		}
		png := tb.chart(p.title)
		if err := os.WriteFile(p.path, png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// chart returns a picture of one chart. It hides the rest of the page.
func (tb *tab) chart(title string) []byte {
	tb.Helper()
	high := eval[int64](tb, fmt.Sprintf(`(() => {
		let found = null;
		for (const e of document.querySelectorAll("figure, h1, h2, pre, p")) { const is = e.querySelector("figcaption")?.innerText === %q; e.hidden = !is; if (is) found = e; }
		return found ? document.querySelector("main").offsetHeight : 0;
	})()`, title))
	if high == 0 {
		tb.Fatalf("there is no chart %q", title)
	}
	tb.run(chromedp.EmulateViewport(760, high))
	tb.settle()
	tb.settle()
	png, err := chromedp.Run(tb.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		tb.Fatal(err)
	}
	return png
}

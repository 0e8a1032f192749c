package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Names and output of nodes are shown as text and cannot run as a script. Every tab
// also checks that nothing violates the Content-Security-Policy.
func TestHostile(t *testing.T) {
	b := newBench(t)
	dir := b.test(t, "hostile")
	text, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", len(text))
	tb := openReport(t, dir, "")
	i := eval[int](tb, `(t => { for (let i = 0; i < t.m.count; i++) if (t.name(t.m.type[i]).includes("</script>")) return i; return -1; })(eddy.explorers[0].test)`)
	if i < 0 {
		t.Fatal("no hostile type came through")
	}
	eval[bool](tb, `location.hash = "#m`+fmt.Sprint(i)+`", true`)
	tb.has(".panel h3", "</script>")
	tb.see(`document.querySelector("pre.body").innerText.includes('onerror=')`)
	tb.see(`document.querySelector("pre.body").innerText.includes("\\u202e") && !document.querySelector("pre.body").innerText.includes("\u202e")`)
	tb.has(".panel", "bytes; the rest is in journal.jsonl")
	tb.has(".more", "<img src=x onerror")
	eval[bool](tb, `document.querySelectorAll("details").forEach(d => d.open = true), true`)
	tb.see(`document.querySelectorAll("main img, main script, main iframe").length === 0`)
	tb.see(`!document.body.innerText.includes("\u202e")`)
	tb.see(`!document.title.includes("taken")`)
	tb.see(`document.documentElement.scrollWidth <= innerWidth`)
}

// All elements have names for screen readers, texts have enough contrast, and the page
// does not scroll sideways. This holds in dark mode and for printing, too.
func TestAccessible(t *testing.T) {
	b := newBench(t)
	tb := openReport(t, b.test(t, "killed-node"), "")
	tb.see(`document.documentElement.lang === "en"`)
	tb.see(`[...document.querySelectorAll("button, select, input, a")].every(e => (e.ariaLabel || e.labels?.[0]?.innerText || e.innerText || e.value || "").trim() !== "" || e.hidden)`)
	tb.see(`[...document.querySelectorAll("canvas")].every(c => c.ariaLabel || c.ariaHidden === "true" || c.closest("[role=img][aria-label]"))`)
	tb.see(`document.querySelector(".picture canvas[role=application]").ariaLabel.includes("messages")`)
	const contrast = `(() => { const s = getComputedStyle(document.documentElement), lum = (hex) => { const c = hex.trim().slice(1), p = c.length === 3 ? [...c].map(x => x + x) : c.match(/../g);
		const [r, g, b] = p.map(x => parseInt(x, 16) / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
		const ground = lum(s.getPropertyValue("--ground"));
		return ["text", "faint", "link", "pass", "fail", "unknown", "request", "reply", "error", "oneway", "lost", "forged"].filter(n => { const l = lum(s.getPropertyValue("--" + n)); return (Math.max(l, ground) + 0.05) / (Math.min(l, ground) + 0.05) < 4.5; }).join(" "); })()`
	if low := eval[string](tb, contrast); low != "" {
		t.Errorf("too little contrast on a light background: %s", low)
	}
	for _, wide := range []int64{1366, 1024, 400} {
		tb.run(chromedp.EmulateViewport(wide, 800))
		tb.settle()
		tb.see(`document.documentElement.scrollWidth <= innerWidth`)
	}
	tb.run(chromedp.EmulateViewport(1366, 900))

	// Keys suffice to enter the diagram, to select a message and its call, and to clear the selection.
	tb.keys("n")
	tb.see(`/^#m\d+$/.test(location.hash)`)
	first := eval[string](tb, `location.hash`)
	tb.keys("n")
	tb.see(`location.hash !== "` + first + `"`)
	tb.keys("\r")
	tb.see(`/^#k\d+$/.test(location.hash)`)
	tb.keys("\u001b")
	tb.see(`location.hash === "" && eddy.explorers[0].diagram.focus === null`)
	eval[bool](tb, `document.querySelector(".picture details").open = true, true`)
	tb.see(`(({ diagram: d, view: v }) => document.querySelectorAll(".picture details tbody tr").length === Math.min(200, d.firstSince(v.to) - d.firstSince(v.from)))(eddy.explorers[0])`)
	tb.see(`document.querySelectorAll(".picture details tbody tr").length > 0`)
	eval[bool](tb, `[...document.querySelectorAll("summary")].find(s => s.innerText.includes("operations in view")).parentElement.open = true, true`)
	tb.has("figure details table", "relay")

	dark := func(media, scheme string) {
		call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		tb.settle()
		tb.settle()
	}
	const ground = `(d => { const p = d.canvas.getContext("2d").getImageData(3, 3, 1, 1).data; return p[0]; })(eddy.explorers[0].diagram)`
	dark("screen", "dark")
	tb.see(ground + " < 60")
	tb.see(`getComputedStyle(document.body).backgroundColor === "rgb(20, 24, 28)"`)
	if low := eval[string](tb, contrast); low != "" {
		t.Errorf("too little contrast on a dark background: %s", low)
	}
	tb.shot("dark", 860)
	dark("print", "dark")
	eval[bool](tb, `dispatchEvent(new Event("beforeprint")), true`)
	tb.see(ground + " > 250")
	tb.see(`getComputedStyle(document.body).backgroundColor === "rgb(255, 255, 255)"`)
	tb.see(`getComputedStyle(document.querySelector(".toolbar")).display === "none"`)
	eval[bool](tb, `dispatchEvent(new Event("afterprint")), true`)
}

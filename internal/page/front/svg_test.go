package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// saved presses the button that saves the diagram, and returns the file.
func (tb *tab) saved() string {
	tb.Helper()
	dir := tb.TempDir()
	done := make(chan string, 1)
	err := chromedp.Listen(tb.ctx, func(event any) {
		if e, ok := event.(*browser.EventDownloadProgress); ok && e.State == browser.DownloadProgressStateCompleted {
			done <- e.GUID
		}
	})
	if err != nil {
		tb.Fatal(err)
	}
	call(tb, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllowAndName, DownloadPath: dir, EventsEnabled: new(true)})
	tb.press("Save as SVG")
	select {
	case name := <-done:
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			tb.Fatal(err)
		}
		return string(text)
	case <-tb.ctx.Done():
		tb.Fatal("nothing was saved")
	}
	return ""
}

// elements counts a file's elements by their names and fails unless it is XML.
func elements(t *testing.T, file string) map[string]int {
	t.Helper()
	found := map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(file)); ; {
		token, err := d.Token()
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatalf("not XML: %v", err)
		}
		if e, ok := token.(xml.StartElement); ok {
			found[e.Name.Local]++
		}
	}
}

// The diagram is saved as it is shown: the same lanes, messages and labels, in a
// file that a browser draws as the canvas does.
func TestSaveAsSVG(t *testing.T) {
	b := newBench(t)
	tb := openReport(t, b.test(t, "double-reply"), "#v0")
	const most = 0.05 // of the pixels may differ
	messages := eval[int](tb, `eddy.explorers[0].diagram.drawn.length`)
	file := tb.saved()
	found := elements(t, file)
	if found["path"] < messages || found["text"] < 5 || messages == 0 {
		t.Errorf("%d messages are shown; the file has %v", messages, found)
	}
	for _, want := range []string{">n0</text>", "clients</text>", "relay", " s</text>", "</svg>"} {
		if !strings.Contains(file, want) {
			t.Errorf("the file does not have %s", want)
		}
	}
	if differ := tb.differsFromCanvas(file); differ > most {
		t.Errorf("the file differs from the canvas in %.0f %% of the pixels", differ*100)
	}
	const blank = `<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100"/>`
	if differ := tb.differsFromCanvas(blank); differ < 0.9 {
		t.Errorf("a blank file differs in only %.0f %% of the pixels", differ*100)
	}

	// The file of another view differs.
	tb.press("Clear the selection")
	tb.press("Whole test")
	if whole := tb.saved(); whole == file {
		t.Error("the file of the whole test is that of the violation")
	} else if differ := tb.differsFromCanvas(whole); differ > most {
		t.Errorf("the file of the whole test differs in %.0f %% of the pixels", differ*100)
	}
}

// Names and output of nodes cannot run as a script in the file.
func TestHostileSVG(t *testing.T) {
	b := newBench(t)
	tb := openReport(t, b.test(t, "hostile"), "")
	file := tb.saved()
	if found := elements(t, file); found["img"] > 0 || found["script"] > 0 {
		t.Errorf("the file has %v", found)
	}
	if strings.Contains(file, "\u202e") {
		t.Error("the file has a character that changes the direction of writing")
	}
}

// differsFromCanvas draws a file of SVG and compares it with the diagram: it returns
// how many pixels differ clearly, as a share of the pixels that are not ground.
func (tb *tab) differsFromCanvas(file string) float64 {
	tb.Helper()
	return eval[float64](tb, fmt.Sprintf(`(async () => {
		const shown = document.querySelector(".picture > canvas:not(.overview)"), { width, height } = shown;
		const image = new Image();
		image.src = "data:image/svg+xml," + encodeURIComponent(%q);
		await image.decode();
		const canvas = new OffscreenCanvas(width, height), c = canvas.getContext("2d");
		c.drawImage(image, 0, 0, width, height);
		const a = c.getImageData(0, 0, width, height).data, b = shown.getContext("2d").getImageData(0, 0, width, height).data;
		const apart = (a, i, b, k) => Math.abs(a[i] - b[k]) + Math.abs(a[i+1] - b[k+1]) + Math.abs(a[i+2] - b[k+2]) > 120;
		let differ = 0, drawn = 0;
		for (let i = 0; i < a.length; i += 4) { if (apart(a, i, b, i)) differ++; if (apart(b, i, b, 0)) drawn++; }
		return differ / drawn;
	})()`, file))
}

package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var rewrite = flag.Bool("rewrite", false, "write the pictures of the documents")

// A bench is what the tests share: programs, and the directories of tests that eddy
// test has run.
type bench struct {
	dir    string
	scenes map[string]*scene
}

var theBench = sync.OnceValues(func() (*bench, error) {
	dir, err := os.MkdirTemp("", "eddy-page")
	if err != nil {
		return nil, err
	}
	build := func(in, to string, packages ...string) error {
		cmd := exec.Command("go", append([]string{"build", "-o", dir + "/" + to}, packages...)...)
		cmd.Dir = in
		if strings.HasSuffix(to, ".wasm") {
			cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %v: %w\n%s", packages, err, out)
		}
		return nil
	}
	if err := build("../../..", "", "./cmd/eddy", "./cmd/relay"); err != nil {
		return nil, err
	}
	if err := build(".", "", "./nodes"); err != nil {
		return nil, err
	}
	// The violation of some scenes must come at a certain moment. So they run in virtual time.
	if err := build(".", "nodes.wasm", "./nodes"); err != nil {
		return nil, err
	}
	if err := build("../../..", "broadcast.wasm", "./examples/broadcast"); err != nil {
		return nil, err
	}
	if allShots() {
		if err := build("../../..", "bugnode.wasm", "./cmd/eddy/testdata/bugnode"); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "smallest.json"), []byte(smallest), 0o644); err != nil {
		return nil, err
	}
	b := &bench{dir: dir, scenes: scenes()}
	for name, s := range b.scenes { // they need little CPU time
		go b.perform(name, s)
	}
	return b, nil
})

// mustHaveBrowser is set if tests without a browser must fail.
const mustHaveBrowser = "EDDY_NEEDS_CHROMIUM"

// findBrowser returns the path of the browser, or "".
func findBrowser() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(runWithBrowser(m))
}

func runWithBrowser(m *testing.M) int {
	if path := findBrowser(); path != "" {
		options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox,
			chromedp.Flag("force-device-scale-factor", "1"), chromedp.Flag("hide-scrollbars", false))
		allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
		defer cancel()
		browser, cancel := chromedp.NewContext(allocator)
		defer cancel()
		if err := chromedp.Do(browser); err != nil {
			fmt.Fprintln(os.Stderr, "start the browser:", err)
			return 1
		}
		theBrowser = browser
	}
	status := m.Run()
	if b, err := theBench(); err == nil {
		os.RemoveAll(b.dir)
	}
	return status
}

var theBrowser context.Context

// newBench returns the bench. It skips a test if there is no browser.
func newBench(t *testing.T) *bench {
	t.Helper()
	if theBrowser == nil {
		if os.Getenv(mustHaveBrowser) != "" {
			t.Fatalf("there is no Chromium on the PATH, and %s is set", mustHaveBrowser)
		}
		t.Skip("there is no Chromium on the PATH: apt-get install chromium")
	}
	b, err := theBench()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// eddy runs a command. An exit status below 250 is a verdict.
func (b *bench) eddy(args ...string) error {
	cmd := exec.Command(filepath.Join(b.dir, "eddy"), args...)
	cmd.Dir = b.dir
	out, err := cmd.CombinedOutput()
	if err != nil && (cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > 250 || cmd.ProcessState.ExitCode() < 0) {
		return fmt.Errorf("eddy %v: %w\n%s", args, err, out)
	}
	return nil
}

// must runs a command and fails the test if it fails.
func (b *bench) must(t *testing.T, args ...string) {
	t.Helper()
	if err := b.eddy(args...); err != nil {
		t.Fatal(err)
	}
}

// A scene is a test that eddy test runs once for all tests of the page.
type scene struct {
	once sync.Once
	dir  string
	err  error
	args []string
}

// test returns the directory of a scene's test.
func (b *bench) test(t *testing.T, name string) string {
	t.Helper()
	s := b.scenes[name]
	b.perform(name, s)
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.dir
}

func (b *bench) perform(name string, s *scene) {
	s.once.Do(func() {
		if s.err = b.eddy(append([]string{"test", "--store", name}, s.args...)...); s.err == nil {
			s.dir, s.err = filepath.EvalSymlinks(filepath.Join(b.dir, name, "latest"))
		}
	})
}

// A tab is a page in the browser. An exception, a violation of its
// Content-Security-Policy, or a request for another file fails the test.
type tab struct {
	*testing.T
	ctx context.Context
	mu  sync.Mutex
	bad []string
}

func open(t *testing.T, url string, wide, high int64, before ...chromedp.Action[chromedp.Void]) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(theBrowser)
	ctx, cancelTimeout := context.WithTimeout(ctx, 2*time.Minute)
	tb := &tab{T: t, ctx: ctx}
	t.Cleanup(func() { cancelTimeout(); cancel(); tb.report() })
	tb.run(chromedp.EmulateViewport(wide, high))
	tb.recordErrors(url)
	call(tb, network.Enable, network.EnableParams{})
	call(tb, log.Enable, cdp.Empty{})
	tb.run(append(before, chromedp.Navigate(url))...)
	return tb
}

// recordErrors records the errors of the page.
func (tb *tab) recordErrors(url string) {
	err := chromedp.Listen(tb.ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			tb.note(fmt.Sprintf("exception: %s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception))
		case *runtime.EventConsoleAPICalled:
			if e.Type == "error" {
				tb.note(fmt.Sprintf("console: %s", e.Args[0].Value))
			}
		case *log.EventEntryAdded:
			if e.Entry.Level == "error" {
				tb.note("log: " + e.Entry.Text)
			}
		case *network.EventRequestWillBeSent:
			if u := e.Request.URL; strings.HasPrefix(url, "file:") && u != strings.Split(url, "#")[0] && !strings.HasPrefix(u, "blob:") && !strings.HasPrefix(u, "data:") {
				tb.note("fetches " + u)
			}
		}
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func call[P, R any](tb *tab, command cdp.Command[P, R], params P) R {
	tb.Helper()
	result, err := chromedp.Call(tb.ctx, command, params)
	if err != nil {
		tb.Fatal(err)
	}
	return result
}

func (tb *tab) note(what string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.bad = append(tb.bad, what)
}

func (tb *tab) report() {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	for _, what := range tb.bad {
		tb.Errorf("the page: %s", what)
	}
}

// openReport opens the report of a test and waits until it is drawn.
func openReport(t *testing.T, dir, hash string, before ...chromedp.Action[chromedp.Void]) *tab {
	t.Helper()
	tb := open(t, "file://"+filepath.Join(dir, "report.html")+hash, 1366, 900, before...)
	tb.run(chromedp.WaitReady(chromedp.CSS("body[data-ready]")))
	tb.settle()
	return tb
}

func (tb *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	tb.Helper()
	if err := chromedp.Do(tb.ctx, actions...); err != nil {
		tb.Fatal(err)
	}
}

// settle waits until two frames are drawn. The second one shows the effect of a click.
// If the click has opened another page, settle waits for two frames of that one.
func (tb *tab) settle() {
	tb.Helper()
	const frames = `new Promise(f => requestAnimationFrame(() => requestAnimationFrame(() => f(true))))`
	drawn := chromedp.Evaluate[bool](frames, chromedp.EvalAwaitPromise)
	if err := tb.untilLoaded(func() error { _, err := chromedp.Run(tb.ctx, drawn); return err }); err != nil {
		tb.Fatal(err)
	}
}

// untilLoaded calls f. While f fails because the browser has loaded another page in
// the meantime, it calls f again.
func (tb *tab) untilLoaded(f func() error) error {
	err := f()
	for i := 0; i < 20 && err != nil && (strings.Contains(err.Error(), "navigated") || strings.Contains(err.Error(), "context")); i++ {
		err = f()
	}
	return err
}

// eval returns the value of a JavaScript expression.
func eval[T any](tb *tab, expression string) (v T) {
	tb.Helper()
	v, err := chromedp.Run(tb.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		tb.Fatalf("%s: %v", expression, err)
	}
	return v
}

// see waits until a JavaScript expression is true. It fails the test if it stays false.
func (tb *tab) see(expression string) {
	tb.Helper()
	poll := chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingTimeout(15*time.Second))
	err := tb.untilLoaded(func() error { _, err := chromedp.Run(tb.ctx, poll); return err })
	if err != nil {
		tb.Errorf("not so: %s (%v); the panel says: %s; the status: %s", expression, err,
			eval[string](tb, `(document.querySelector(".panel")?.innerText ?? "").slice(0, 600)`), eval[string](tb, `document.querySelector(".picture .status")?.innerText ?? ""`))
	}
}

// text returns the visible text of an element.
func (tb *tab) text(selector string) string {
	tb.Helper()
	return eval[string](tb, fmt.Sprintf(`document.querySelector(%q)?.innerText ?? ""`, selector))
}

// has waits until the text of an element contains some words.
func (tb *tab) has(selector, words string) {
	tb.Helper()
	tb.see(fmt.Sprintf(`(document.querySelector(%q)?.innerText ?? "").includes(%q)`, selector, words))
}

func (tb *tab) click(selector string) {
	tb.Helper()
	tb.run(chromedp.Click(chromedp.CSS(selector)))
	tb.settle()
}

// press clicks the button with a text.
func (tb *tab) press(text string) {
	tb.Helper()
	tb.run(chromedp.Click(fmt.Sprintf(`//button[contains(normalize-space(.), %q)]`, text)))
	tb.settle()
}

// keys types keys into the diagram.
func (tb *tab) keys(keys string) {
	tb.Helper()
	tb.run(chromedp.Focus(chromedp.CSS(".picture > canvas:not(.overview)")), chromedp.KeyEvent(keys))
	tb.settle()
}

// clickMessage clicks the line of a message.
func (tb *tab) clickMessage(i int) {
	tb.Helper()
	tb.run(chromedp.ScrollIntoView(chromedp.CSS(".picture")))
	at := eval[[]float64](tb, fmt.Sprintf(`eddy.explorers[0].diagram.middleOf(%d)`, i))
	tb.run(chromedp.MouseClickXY(at[0], at[1]))
	tb.settle()
}

func (tb *tab) wheel(x, y, delta float64) {
	tb.Helper()
	call(tb, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseWheel, X: x, Y: y, DeltaX: 0.01, DeltaY: delta})
	tb.settle()
}

// view returns the time that the diagram shows, in ms.
func (tb *tab) view() (from, to float64) {
	tb.Helper()
	v := eval[[]float64](tb, `[eddy.explorers[0].view.from, eddy.explorers[0].view.to]`)
	return v[0], v[1]
}

// docs is the directory of the documents.
const docs = "../../../docs/"

// shot writes a picture of the page for docs/report.md, with -rewrite.
func (tb *tab) shot(name string, high int64) {
	tb.Helper()
	if !*rewrite {
		return
	}
	tb.run(chromedp.EmulateViewport(1280, high))
	tb.settle()
	tb.settle()
	picture, err := chromedp.Run(tb.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		picture, err = withFewColours(picture)
	}
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(docs+"report/"+name+".png", picture, 0o644); err != nil {
		tb.Fatal(err)
	}
}

// withFewColours returns a picture in at most 256 colours, which needs a third of the
// bytes. It keeps the most frequent ones, and of colours that look the same only one.
func withFewColours(picture []byte) ([]byte, error) {
	from, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	count := map[color.RGBA]int{}
	bounds := from.Bounds()
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			count[color.RGBAModel.Convert(from.At(x, y)).(color.RGBA)]++
		}
	}
	var palette color.Palette
	for _, c := range slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int { return count[b] - count[a] }) {
		alike := func(other color.Color) bool { return distance(c, other.(color.RGBA)) < 8 }
		if len(palette) < 256 && !slices.ContainsFunc(palette, alike) {
			palette = append(palette, c)
		}
	}
	to := image.NewPaletted(bounds, palette)
	draw.Draw(to, bounds, from, bounds.Min, draw.Src)
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	err = encoder.Encode(&out, to)
	return out.Bytes(), err
}

// distance returns how much the largest component of two colours differs.
func distance(a, b color.RGBA) int {
	difference := func(a, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }
	return max(difference(a.R, b.R), difference(a.G, b.G), difference(a.B, b.B))
}

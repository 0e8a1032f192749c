package serve

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newStore is a store with three tests: one that passed, one that failed later, one
// that runs; with links that lead out of it.
func newStore(t *testing.T) string {
	t.Helper()
	parent := t.TempDir()
	dir := filepath.Join(parent, "store")
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("../secret", "secret")
	write("echo/1/results.json", `{"verdict":"pass","workload":"echo","bin":"./a","seed":1,"started":"2026-01-01T00:00:00Z","seconds":1}`)
	write("echo/1/report.html", "<p>report 1")
	write("echo/1/journal.jsonl", "<script>")
	write("echo/1/node-logs/n1.log", "log")
	write("relay/2/results.json", `{"verdict":"fail","reasons":[{"check":"double-reply"}],"workload":"relay","bin":"</script>","seed":2,"started":"2026-01-02T00:00:00Z","seconds":2}`)
	write("relay/3/progress.json", `{"workload":"relay","bin":"./b","nodes":["n1"],"seed":"3","started":"2026-01-03T00:00:00Z","ok":5}`)
	write("relay/broken/results.json", `{`)
	write("nothing/else", "")
	for name, to := range map[string]string{"latest": "relay/2", "echo/out": "../../..", "echo/1/results.jsonl": "../../../secret", "echo/1/history.jsonl": "../../../secret"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Skip(err) // Windows, without the right to
		}
	}
	return dir
}

func newHandler(t *testing.T, local bool) http.Handler {
	t.Helper()
	store, err := os.OpenRoot(newStore(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return New(store, local)
}

func get(h http.Handler, host, path string) (int, http.Header, string) {
	r := httptest.NewRequest("GET", "http://x/", nil)
	r.URL.Path, r.URL.RawPath, r.Host = path, "", host
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	text, _ := io.ReadAll(w.Result().Body)
	return w.Code, w.Result().Header, string(text)
}

func TestList(t *testing.T) {
	_, _, text := get(newHandler(t, true), "127.0.0.1:8080", "/tests")
	order := []string{`"relay/3","verdict":"running"`, `"relay/2","verdict":"fail"`, `"echo/1","verdict":"pass"`}
	at := -1
	for _, want := range order {
		i := strings.Index(text, want)
		if i < at || i < 0 {
			t.Errorf("%s does not come where it should in %s", want, text)
		}
		at = i
	}
	for _, no := range []string{"broken", "nothing", "latest"} {
		if strings.Contains(text, no) {
			t.Errorf("%s is listed: %s", no, text)
		}
	}
}

func TestPaths(t *testing.T) {
	h := newHandler(t, true)
	for path, want := range map[string]int{
		"/":                             200,
		"/test/echo/1/":                 200,
		"/test/echo/1/report.html":      200,
		"/test/echo/1/journal.jsonl":    200,
		"/test/relay/3/":                200,
		"/test/relay/3/progress":        200,
		"/test/echo/1/progress":         204, // it has a report
		"/test/relay/2/":                404, // no report, and it does not run
		"/test/echo/1/node-logs":        404,
		"/test/echo/1/results.jsonl":    404,
		"/test/echo/1/history.jsonl":    404, // a link that leads out
		"/test/echo/out/secret":         404,
		"/test/echo/../secret":          307, // cleaned by the mux
		"/test/..%2f..%2f/secret/":      404,
		"/test/../store/":               307,
		"/test/echo/1/report.html/more": 404,
		"/secret":                       404,
	} {
		code, header, text := get(h, "localhost:8080", path)
		if code != want && !(want == 307 && code == 301) {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
		if strings.Contains(text, "secret") && !strings.Contains(text, "href") {
			t.Errorf("%s shows the secret", path)
		}
		if code == 200 && header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s may be taken for something else", path)
		}
	}
	for _, path := range []string{"/test/%2e%2e/%2e%2e/secret", "/test/echo/%2e%2e%2f%2e%2e%2fsecret"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Host = "localhost"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if strings.Contains(w.Body.String(), "secret") && w.Code == 200 {
			t.Errorf("%s: %s", path, w.Body)
		}
	}
}

// A page elsewhere whose name leads to this machine reads nothing.
func TestOtherHosts(t *testing.T) {
	h := newHandler(t, true)
	for host, want := range map[string]int{
		"127.0.0.1:8080": 200, "localhost": 200, "[::1]:8080": 200, "evil.example:8080": 421, "127.0.0.1.evil.example": 421, "": 421,
	} {
		if code, _, _ := get(h, host, "/tests"); code != want {
			t.Errorf("host %q: %d, want %d", host, code, want)
		}
	}
	if code, _, _ := get(newHandler(t, false), "bench.example", "/tests"); code != 200 {
		t.Errorf("listening to all: %d", code)
	}
}

func TestHostileFilesRunNothing(t *testing.T) {
	_, header, _ := get(newHandler(t, true), "localhost", "/test/echo/1/journal.jsonl")
	if kind := header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") {
		t.Errorf("the journal is sent as %s", kind)
	}
	if policy := header.Get("Content-Security-Policy"); !strings.Contains(policy, "sandbox") {
		t.Errorf("its policy is %q", policy)
	}
}

// A test whose process is gone does not run for ever.
func TestGone(t *testing.T) {
	dir := newStore(t)
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "relay/3/progress.json"), long, long); err != nil {
		t.Fatal(err)
	}
	store, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, _, text := get(New(store, true), "localhost", "/tests"); !strings.Contains(text, `"verdict":"gone"`) {
		t.Error(text)
	}
}

// Package serve shows the tests of a store in a browser: a list, the reports, and the
// progress of running tests.
package serve

import (
	"bytes"
	_ "embed"
	"html/template"
	"net"
	"net/http"
	"os"
	"path"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/internal/csp"
)

// The bundle that front builds.
var (
	//go:embed serve.js
	script string
	//go:embed serve.css
	style string
)

// A server serves a store. It reads through an os.Root, so that no name in a request
// and no symbolic link can lead out of the store.
type server struct {
	store *os.Root
	local bool
	tests *tests
}

// New returns a handler that serves a store. If local is true, it rejects requests
// whose host is not a loopback address or localhost, so that a web site cannot read
// the store through a name that it has pointed at this machine.
func New(store *os.Root, local bool) http.Handler {
	s := &server{store: store, local: local, tests: newTests(store)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.list)
	mux.HandleFunc("GET /tests", s.listed)
	mux.HandleFunc("GET /test/{workload}/{name}/{$}", s.test)
	mux.HandleFunc("GET /test/{workload}/{name}/progress", s.progress)
	mux.HandleFunc("GET /test/{workload}/{name}/{file}", s.file)
	return s.guard(mux)
}

// guard rejects requests for other hosts, and adds security headers to all responses.
func (s *server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.local && !isLocal(r.Host) {
			http.Error(w, "this server is for this machine only", http.StatusMisdirectedRequest)
			return
		}
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}

func isLocal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// shell is the page of the list and of a running test. Its script fetches the rest.
var shell = template.Must(template.New("shell").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{.Title}}</title>
<style>{{.CSS}}</style>
</head>
<body data-shows="{{.Shows}}">
<main id="app"><noscript>This page needs JavaScript.</noscript></main>
<script>{{.JS}}</script>
</body>
</html>
`))

func (s *server) shell(w http.ResponseWriter, title, shows string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", csp.Policy(script, style)+"; connect-src 'self'; frame-ancestors 'none'")
	var page bytes.Buffer
	shell.Execute(&page, map[string]any{"Title": title, "Shows": shows, "CSS": template.CSS(style), "JS": template.JS(script)})
	w.Write(page.Bytes()) // the error means that the browser has left
}

func (s *server) list(w http.ResponseWriter, r *http.Request) { s.shell(w, "eddy: tests", "list") }

func (s *server) listed(w http.ResponseWriter, r *http.Request) {
	all, err := s.tests.all()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, all)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.MarshalWrite(w, v, json.Deterministic(true)); err != nil {
		return // the browser has left
	}
}

// files are the files of a test that are served, and their types.
var files = map[string]string{
	"report.html":   "text/html; charset=utf-8",
	"results.json":  "application/json",
	"journal.jsonl": "text/plain; charset=utf-8",
	"history.jsonl": "text/plain; charset=utf-8",
}

// test serves the report of a test, or, while the test is running, its progress.
func (s *server) test(w http.ResponseWriter, r *http.Request) {
	dir := path.Join(r.PathValue("workload"), r.PathValue("name"))
	if _, err := s.store.Stat(path.Join(dir, "report.html")); err == nil {
		s.send(w, r, dir, "report.html")
		return
	}
	if _, err := s.store.Stat(path.Join(dir, progressName)); err != nil {
		http.Error(w, "this test has no report; eddy report writes it", http.StatusNotFound)
		return
	}
	s.shell(w, "eddy: "+dir, "running")
}

func (s *server) file(w http.ResponseWriter, r *http.Request) {
	s.send(w, r, path.Join(r.PathValue("workload"), r.PathValue("name")), r.PathValue("file"))
}

func (s *server) send(w http.ResponseWriter, r *http.Request, dir, name string) {
	kind, shown := files[name]
	if !shown {
		http.NotFound(w, r)
		return
	}
	f, err := s.store.Open(path.Join(dir, name))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	if name != "report.html" { // which contains its own policy
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	}
	http.ServeContent(w, r, name, info.ModTime(), f)
}

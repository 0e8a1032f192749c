package report

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/page"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/runner"
)

// A Store is the directory that one test leaves behind.
type Store struct {
	Dir string

	kept chan error // one for each file that Keep writes
}

// NewStore makes a directory for a test beneath root: root/workload/time.
func NewStore(root, workload string, now time.Time) (*Store, error) {
	base := filepath.Join(root, workload)
	if err := os.MkdirAll(base, 0o755); err != nil {
		return nil, err
	}
	name := now.Format("20060102T150405.000")
	dir := filepath.Join(base, name)
	for n := 2; ; n++ {
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			break
		}
		if !os.IsExist(err) {
			return nil, err
		}
		dir = filepath.Join(base, fmt.Sprintf("%s-%d", name, n))
	}
	s := &Store{Dir: dir}
	for _, sub := range []string{s.Logs(), s.Dirs()} {
		if err := os.Mkdir(sub, 0o755); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// point makes a symbolic link anew. Where there are none (Windows, without the
// right to) there is no latest.
func point(link, to string) {
	if info, err := os.Lstat(link); err == nil && info.Mode()&os.ModeSymlink == 0 {
		return // somebody's own
	}
	os.Remove(link)
	os.Symlink(to, link)
}

// Discard takes the directory away again, for a test that could not be run.
func (s *Store) Discard() {
	os.RemoveAll(s.Dir)
	os.Remove(filepath.Dir(s.Dir)) // both fail unless they are empty
	os.Remove(filepath.Dir(filepath.Dir(s.Dir)))
}

// Logs has what nodes wrote to stderr, Dirs their working directories.
func (s *Store) Logs() string { return filepath.Join(s.Dir, "node-logs") }
func (s *Store) Dirs() string { return filepath.Join(s.Dir, "node-dirs") }

// NATSLogs has what NATS servers, and connections to them, tell of themselves.
func (s *Store) NATSLogs() string { return filepath.Join(s.Dir, "nats-logs") }

func (s *Store) path(name string) string { return filepath.Join(s.Dir, name) }

// Keep begins to write the history and the journal, beside what is done next:
// what happened can be read while it is judged. Write waits for the end of it.
func (s *Store) Keep(res *runner.Result) {
	s.kept = make(chan error, 2)
	go func() {
		s.kept <- s.file("history.jsonl", func(w *bufio.Writer) error { return history.Write(w, res.History) })
	}()
	go func() {
		s.kept <- s.file("journal.jsonl", func(w *bufio.Writer) error { _, err := res.Journal.WriteTo(w); return err })
	}()
}

// Write writes the other files of a test, after Keep, and makes it the one that the links named
// latest, in root and root/workload, point at.
func (s *Store) Write(r *Results, res *runner.Result) error {
	text, err := r.JSON()
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.path("results.json"), text, 0o644); err != nil {
		return err
	}
	shown, err := r.page(nameOf(s.Dir), res.Journal, res.History)
	if err != nil {
		return err
	}
	// Who serves the store shows the page as soon as it is there: it comes as a whole.
	const next = PageName + ".new"
	if err := s.file(next, func(w *bufio.Writer) error { return page.Write(w, shown) }); err != nil {
		return err
	}
	if err := os.Rename(s.path(next), s.path(PageName)); err != nil {
		return err
	}
	for range cap(s.kept) {
		if err := <-s.kept; err != nil {
			return err
		}
	}
	s.tidy()
	os.Remove(s.path(ProgressName))
	base, name := filepath.Split(s.Dir)
	root, workload := filepath.Split(filepath.Clean(base))
	point(filepath.Join(base, "latest"), name)
	point(filepath.Join(root, "latest"), filepath.Join(workload, name))
	return nil
}

func (s *Store) file(name string, write func(*bufio.Writer) error) error {
	f, err := os.Create(s.path(name))
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = write(w)
	if flushed := w.Flush(); err == nil {
		err = flushed
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// tidy removes directories in which no node has left anything.
func (s *Store) tidy() {
	entries, _ := os.ReadDir(s.Dirs())
	for _, e := range entries {
		os.Remove(filepath.Join(s.Dirs(), e.Name())) // fails unless it is empty
	}
	os.Remove(s.Dirs())
}

// ReadResults reads the results.json of a stored test.
func ReadResults(dir string) (*Results, error) {
	text, err := os.ReadFile(filepath.Join(dir, "results.json"))
	if err != nil {
		return nil, err
	}
	r, err := ParseResults(text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(dir, "results.json"), err)
	}
	return r, nil
}

// ParseResults reads the text of a results.json.
func ParseResults(text []byte) (*Results, error) {
	r := &Results{}
	return r, json.Unmarshal(text, r, jsonOptions)
}

package report

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/page"
	"github.com/eddyrpc/eddy/internal/trial"
)

// A Store is the directory of one test.
type Store struct {
	Dir string

	kept chan error // one for each file that Keep writes
}

// NewStore creates a directory for a test: root/workload/time.
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

// replaceLink creates or replaces a symbolic link. It ignores errors: on Windows, users
// may not be allowed to create links.
func replaceLink(link, to string) {
	if info, err := os.Lstat(link); err == nil && info.Mode()&os.ModeSymlink == 0 {
		return // not a link of ours
	}
	os.Remove(link)
	os.Symlink(to, link)
}

// Discard removes the directory of a test that could not be run.
func (s *Store) Discard() {
	os.RemoveAll(s.Dir)
	os.Remove(filepath.Dir(s.Dir)) // the errors are ignored: the directories may not be empty
	os.Remove(filepath.Dir(filepath.Dir(s.Dir)))
}

// Logs is the directory of what nodes wrote to stderr, Dirs that of their working
// directories.
func (s *Store) Logs() string { return filepath.Join(s.Dir, "node-logs") }
func (s *Store) Dirs() string { return filepath.Join(s.Dir, "node-dirs") }

// NATSLogs is the directory of the logs of NATS servers and of connections to them.
func (s *Store) NATSLogs() string { return filepath.Join(s.Dir, "nats-logs") }

// Name returns a short name of the test: its workload and when it began.
func (s *Store) Name() string { return nameOf(s.Dir) }

func (s *Store) path(name string) string { return filepath.Join(s.Dir, name) }

// Keep begins to write the history and the journal in the background, while the test
// is judged. Write waits until they are written.
func (s *Store) Keep(res *trial.Result) {
	s.kept = make(chan error, 2)
	operations, messages := res.History, res.Journal // the judge writes to res
	go func() {
		s.kept <- s.file("history.jsonl", func(w *bufio.Writer) error { return history.Write(w, operations) })
	}()
	go func() {
		s.kept <- s.file("journal.jsonl", func(w *bufio.Writer) error { _, err := messages.WriteTo(w); return err })
	}()
}

// Write writes the other files of a test, after Keep, and sets the links named latest
// in root and root/workload to it.
func (s *Store) Write(r *Results, res *trial.Result) error {
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
	// eddy serve shows the page as soon as it exists, so it is created atomically.
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
	s.removeEmptyDirs()
	os.Remove(s.path(ProgressName))
	base, name := filepath.Split(s.Dir)
	root, workload := filepath.Split(filepath.Clean(base))
	replaceLink(filepath.Join(base, "latest"), name)
	replaceLink(filepath.Join(root, "latest"), filepath.Join(workload, name))
	return nil
}

func (s *Store) file(name string, write func(*bufio.Writer) error) (err error) {
	defer func() { // in a goroutine of Keep, a panic would end the process
		if p := recover(); p != nil {
			err = fmt.Errorf("write %s: %v\n%s", name, p, debug.Stack())
		}
	}()
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

// removeEmptyDirs removes the working directories that are empty.
func (s *Store) removeEmptyDirs() {
	entries, _ := os.ReadDir(s.Dirs())
	for _, e := range entries {
		os.Remove(filepath.Join(s.Dirs(), e.Name())) // the error is ignored: it may not be empty
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

package report

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A Listed is a test in a store.
type Listed struct {
	Dir     string
	Results *Results  // nil if the test has no verdict: it is running, or was killed
	Changed time.Time // when a file of it was last changed
	Bytes   int64     // of all its files
}

// List returns the tests in a store, the newest first.
func List(root string) (all []Listed, err error) {
	workloads, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	for _, w := range workloads {
		if !w.IsDir() {
			continue // a link such as latest, or another file
		}
		tests, err := os.ReadDir(filepath.Join(root, w.Name()))
		if err != nil {
			return nil, err
		}
		for _, test := range tests {
			if dir := filepath.Join(root, w.Name(), test.Name()); test.IsDir() && isTest(dir) {
				l := Listed{Dir: dir}
				l.Bytes, l.Changed = Size(dir)
				l.Results, _ = ReadResults(dir) // the error is ignored: there may be none yet
				all = append(all, l)
			}
		}
	}
	slices.SortFunc(all, func(a, b Listed) int {
		return cmp.Or(cmp.Compare(filepath.Base(b.Dir), filepath.Base(a.Dir)), cmp.Compare(a.Dir, b.Dir))
	})
	return all, nil
}

// isTest reports whether a directory is that of a test.
func isTest(dir string) bool {
	for _, name := range []string{"results.json", ProgressName} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// Size returns how many bytes the files in a directory have, and when one was last changed.
// Files that cannot be read do not count.
func Size(dir string) (bytes int64, changed time.Time) {
	filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			bytes += info.Size()
			if info.ModTime().After(changed) {
				changed = info.ModTime()
			}
		}
		return nil
	})
	return bytes, changed
}

// Remove removes tests of a store. Links named latest then lead to the newest tests that
// are left.
func Remove(root string, tests []Listed) error {
	for _, test := range tests {
		if err := os.RemoveAll(test.Dir); err != nil {
			return err
		}
		os.Remove(filepath.Join(filepath.Dir(test.Dir), "latest"))
	}
	left, err := List(root)
	if err != nil {
		return err
	}
	os.Remove(filepath.Join(root, "latest"))
	for i := len(left) - 1; i >= 0; i-- {
		base, name := filepath.Split(left[i].Dir)
		replaceLink(filepath.Join(base, "latest"), name)
		replaceLink(filepath.Join(root, "latest"), filepath.Join(filepath.Base(base), name))
	}
	for _, test := range tests {
		os.Remove(filepath.Dir(test.Dir)) // the error is ignored: it may not be empty
	}
	return nil
}

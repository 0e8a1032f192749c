package eddytest

import (
	"path/filepath"
	"time"

	"github.com/eddyrpc/eddy/internal/report"
	"github.com/eddyrpc/eddy/internal/trial"
)

// writeReport stores a test below a directory, as eddy test does, and returns the path of its
// report. args are the arguments that run the test again.
func writeReport(dir string, cfg *trial.Config, result *trial.Result, args []string) (path string, err error) {
	dir, err = filepath.Abs(dir) // go test runs in the directory of the package
	if err != nil {
		return "", err
	}
	store, err := report.NewStore(dir, cfg.Spec.Name, time.Now())
	if err != nil {
		return "", err
	}
	store.Keep(result)
	results := report.New(cfg, result)
	results.Started, results.Command.Args, results.Command.Dir = time.Now(), args, dir
	if err := store.Write(results, result); err != nil {
		return "", err
	}
	return filepath.Join(store.Dir, report.PageName), nil
}

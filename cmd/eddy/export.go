package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"github.com/eddyrpc/eddy/internal/export"
	"github.com/eddyrpc/eddy/internal/page"
)

// exportFlags are the files for other tools that eddy test and eddy report write.
type exportFlags struct {
	OTLP   string `name:"otlp" placeholder:"FILE" group:"output" help:"Also write what happened as OpenTelemetry traces, in OTLP's JSON."`
	Chrome string `name:"chrome-trace" placeholder:"FILE" group:"output" help:"Also write what happened as Chrome trace JSON, which Perfetto opens."`
	ShiViz string `name:"shiviz" placeholder:"FILE" group:"output" help:"Also write what happened as a log with vector clocks for ShiViz."`
}

// write writes the files that the flags name and returns their names.
func (f *exportFlags) write(t *export.Test) (names []string, err error) {
	for _, e := range []struct {
		flag, name string
		write      func(io.Writer, *export.Test) error
	}{
		{"otlp", f.OTLP, export.OTLP},
		{"chrome-trace", f.Chrome, export.Chrome},
		{"shiviz", f.ShiViz, export.ShiViz},
	} {
		if e.name == "" {
			continue
		}
		if err := createWith(e.name, func(w io.Writer) error { return e.write(w, t) }); err != nil {
			return names, fmt.Errorf("write --%s: %w", e.flag, err)
		}
		names = append(names, e.name)
	}
	return names, nil
}

// createWith creates a file with what write writes.
func createWith(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return fill(f, write)
}

// fill writes a file and closes it.
func fill(f *os.File, write func(io.Writer) error) error {
	w := bufio.NewWriterSize(f, 1<<20)
	err := write(w)
	if flushed := w.Flush(); err == nil {
		err = flushed
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// exported returns a stored test in the form that can be exported.
func exported(t *page.Test) *export.Test {
	return &export.Test{Name: t.Name, Started: t.Started, Timeout: t.Timeout, Journal: t.Journal, History: t.History}
}

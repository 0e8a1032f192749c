package main

import (
	"bytes"
	"time"
)

// A record is what a node wrote, and when each piece of it was read. It is checked
// after everything was read. A harness that checks a million answers while they come would
// itself make them late.
type record struct{ pieces []piece }

type piece struct {
	at    time.Duration
	lines []byte
}

// listen reads a number of lines. After an error it also returns what was read before.
func listen(from *Lines, lines int, began time.Time) (record, error) {
	var r record
	var free []byte
	for lines > 0 {
		read, err := from.Read()
		if err != nil {
			return r, err
		}
		if cap(free)-len(free) < len(read) {
			free = make([]byte, 0, max(1<<20, len(read)))
		}
		start := len(free)
		free = append(free, read...)
		r.pieces = append(r.pieces, piece{time.Since(began), free[start:]})
		lines -= bytes.Count(read, []byte{'\n'})
	}
	return r, nil
}

// each calls f for every line.
func (r record) each(f func(line []byte, at time.Duration) error) error {
	for _, p := range r.pieces {
		if err := each(p.lines, func(line []byte) error { return f(line, p.at) }); err != nil {
			return err
		}
	}
	return nil
}

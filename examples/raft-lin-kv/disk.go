package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
)

// A disk is the file of what is persistent. Each line has a term and a vote, or an entry at an
// index, which replaces all entries from this index on.
type disk struct {
	file *os.File
}

// A line is a line of the file.
type line struct {
	Term  int    `json:"term,omitempty"`
	Vote  string `json:"vote,omitempty"`
	Index int    `json:"index,omitempty"`
	Entry *entry `json:"entry,omitempty"`
}

// open opens the file and gives r what it says. It removes the part of a line that a node had
// written when it was killed. Nothing that the node has sent depends on that line.
func open(path string, r *raft) (*disk, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	for raw := range bytes.Lines(text) {
		var l line
		if err := json.Unmarshal(raw, &l); err != nil {
			return nil, err
		}
		switch {
		case l.Entry == nil:
			r.term, r.vote = l.Term, l.Vote
		case l.Index < 1 || l.Index > len(r.log)+1:
			return nil, errors.New("an entry is missing in " + path)
		default:
			r.log = append(r.log[:l.Index-1], *l.Entry)
		}
	}
	r.stored = len(r.log)
	_, err = file.Seek(int64(len(text)), io.SeekStart)
	return &disk{file}, errors.Join(err, file.Truncate(int64(len(text))))
}

// save stores what has changed.
func (d *disk) save(r *raft) error {
	if !r.renewed && r.stored == len(r.log) {
		return nil
	}
	var text bytes.Buffer
	lines := json.NewEncoder(&text)
	if r.renewed {
		if err := lines.Encode(line{Term: r.term, Vote: r.vote}); err != nil {
			return err
		}
	}
	for i := r.stored; i < len(r.log); i++ {
		if err := lines.Encode(line{Index: i + 1, Entry: &r.log[i]}); err != nil {
			return err
		}
	}
	if _, err := d.file.Write(text.Bytes()); err != nil {
		return err
	}
	r.renewed, r.stored = false, len(r.log)
	return d.file.Sync()
}

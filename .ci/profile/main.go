// Profile takes the names of the machine's directories out of a CPU profile that go
// test has written, read from standard input, so that it can be kept as default.pgo:
//
//	go run ./.ci/profile <cpu.out >cmd/relay/default.pgo
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
		os.Exit(1)
	}
}

func run(from io.Reader, to io.Writer) error {
	r, err := gzip.NewReader(from)
	if err != nil {
		return err
	}
	profile, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if profile, err = withoutDirectories(profile); err != nil {
		return err
	}
	w, err := gzip.NewWriterLevel(to, gzip.BestCompression)
	if err != nil {
		return err
	}
	_, err = w.Write(profile)
	return errors.Join(err, w.Close())
}

// withoutDirectories shortens every absolute path in a profile's table of strings to
// its last element. A profile is a protocol buffer (profile.proto of github.com/google/pprof).
func withoutDirectories(profile []byte) (short []byte, err error) {
	const stringTable, lengthDelimited = 6, 2
	for len(profile) > 0 {
		tag, n := binary.Uvarint(profile)
		value, m := binary.Uvarint(profile[max(n, 0):])
		end := n + m
		switch kind := tag & 7; {
		case n <= 0 || m <= 0 || kind != 0 && kind != lengthDelimited:
			return nil, errors.New("this is no profile")
		case kind == lengthDelimited:
			end += int(value)
		}
		if end > len(profile) {
			return nil, io.ErrUnexpectedEOF
		}
		text := profile[n+m : end]
		if tag == stringTable<<3|lengthDelimited && bytes.HasPrefix(text, []byte("/")) {
			text = []byte(path.Base(string(text)))
			short = append(binary.AppendUvarint(append(short, profile[:n]...), uint64(len(text))), text...)
		} else {
			short = append(short, profile[:end]...)
		}
		profile = profile[end:]
	}
	return short, nil
}

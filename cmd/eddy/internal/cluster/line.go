package cluster

import (
	"bufio"
	"bytes"
	"io"
)

// DefaultMaxLine is the default limit of a line in bytes, without its newline.
const DefaultMaxLine = 16 << 20

// A Line is one line that a program wrote, without its line ending.
type Line struct {
	// Text is the line, or its first MaxLine bytes if it is longer. The receiver
	// owns it.
	Text []byte

	// Size is the length of the complete line in bytes.
	Size int64

	// Number is the number of the line in the stream, from 1.
	Number int64

	// Incomplete reports that the stream ended before the end of the line.
	Incomplete bool
}

// Truncated reports whether Text is only the beginning of the line.
func (l Line) Truncated() bool { return l.Size > int64(len(l.Text)) }

// A LineReader splits a stream into lines. It keeps the beginning of a line over
// the limit and only counts the rest, so that its memory is bounded by the limit.
//
// bufio.Scanner cannot be used: it stops at a line over the limit, and the lines
// after it would be lost.
type LineReader struct {
	r      *bufio.Reader
	max    int
	number int64
}

// NewLineReader returns a reader of the lines of r. max is the limit of a line in
// bytes; 0 or less means DefaultMaxLine.
func NewLineReader(r io.Reader, max int) *LineReader {
	if max <= 0 {
		max = DefaultMaxLine
	}
	return &LineReader{r: bufio.NewReaderSize(r, 32<<10), max: max}
}

// Next returns the next line. Its error is that of the underlying reader, io.EOF at
// the end. A part of a line that was read before the error is returned first, with
// Incomplete set. One \r before the newline is part of the line ending.
func (lr *LineReader) Next() (Line, error) {
	line := Line{}
	for {
		part, err := lr.r.ReadSlice('\n')
		ended := err == nil
		if ended {
			part = part[:len(part)-1]
		}
		line.Size += int64(len(part))
		if room := lr.max - len(line.Text); len(part) > room {
			part = part[:room]
		}
		line.Text = append(line.Text, part...)

		switch {
		case ended:
			if !line.Truncated() && bytes.HasSuffix(line.Text, []byte{'\r'}) {
				line.Text = line.Text[:len(line.Text)-1]
				line.Size--
			}
		case err == bufio.ErrBufferFull:
			continue
		case line.Size == 0:
			return Line{}, err
		default:
			// The next call returns the error.
			line.Incomplete = true
		}
		lr.number++
		line.Number = lr.number
		return line, nil
	}
}

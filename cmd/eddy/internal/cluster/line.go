package cluster

import (
	"bufio"
	"bytes"
	"io"
)

// DefaultMaxLine is the longest line, in bytes without its newline, that is
// kept whole unless the caller says otherwise.
const DefaultMaxLine = 16 << 20

// A Line is one line that a program wrote, without its line ending.
type Line struct {
	// Text is the line, or its first MaxLine bytes if it was longer. It
	// belongs to whoever received the Line.
	Text []byte

	// Size is the length of the whole line in bytes.
	Size int64

	// Number counts the lines of the stream, from 1.
	Number int64

	// Unended says that the stream ended before the line did.
	Unended bool
}

// Cut reports whether Text is only the beginning of a line over the limit.
func (l Line) Cut() bool { return l.Size > int64(len(l.Text)) }

// A LineReader cuts a stream into lines. Of a line over the limit it keeps the
// beginning and counts the rest without storing it, so a stream that never
// breaks its line costs no more memory than the limit.
//
// bufio.Scanner was declined: it gives up for good on a long line, and the good
// lines behind it would be lost.
type LineReader struct {
	r      *bufio.Reader
	max    int
	number int64
}

// NewLineReader reads lines of at most max bytes from r; a max of 0 or less
// means DefaultMaxLine.
func NewLineReader(r io.Reader, max int) *LineReader {
	if max <= 0 {
		max = DefaultMaxLine
	}
	return &LineReader{r: bufio.NewReaderSize(r, 32<<10), max: max}
}

// Next returns the next line. Its error is that of the underlying reader,
// io.EOF at the end; what was read before the error is returned first, as an
// Unended line. One \r before the newline is taken as part of the line ending.
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
			if !line.Cut() && bytes.HasSuffix(line.Text, []byte{'\r'}) {
				line.Text = line.Text[:len(line.Text)-1]
				line.Size--
			}
		case err == bufio.ErrBufferFull:
			continue
		case line.Size == 0:
			return Line{}, err
		default:
			// The reader keeps its error, or meets it again, for the next call.
			line.Unended = true
		}
		lr.number++
		line.Number = lr.number
		return line, nil
	}
}

package cluster

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestLineReader(t *testing.T) {
	for _, test := range []struct {
		name  string
		input string
		max   int
		want  []Line
	}{
		{"nothing", "", 0, nil},
		{"one line", "a\n", 0, []Line{{Text: []byte("a"), Size: 1, Number: 1}}},
		{"an empty line is a line", "\n\n", 0, []Line{{Number: 1}, {Number: 2}}},
		{"no newline at the end", "a\nbc", 0, []Line{
			{Text: []byte("a"), Size: 1, Number: 1},
			{Text: []byte("bc"), Size: 2, Number: 2, Incomplete: true},
		}},
		{"carriage return", "a\r\nb\r\r\n", 0, []Line{
			{Text: []byte("a"), Size: 1, Number: 1},
			{Text: []byte("b\r"), Size: 2, Number: 2},
		}},
		{"at the limit", "abc\nd\n", 3, []Line{
			{Text: []byte("abc"), Size: 3, Number: 1},
			{Text: []byte("d"), Size: 1, Number: 2},
		}},
		{"over the limit, the next is complete", "abcd\nefg\n", 3, []Line{
			{Text: []byte("abc"), Size: 4, Number: 1},
			{Text: []byte("efg"), Size: 3, Number: 2},
		}},
		{"over the limit without an end", "abcd", 3, []Line{
			{Text: []byte("abc"), Size: 4, Number: 1, Incomplete: true},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for kind, r := range map[string]io.Reader{
				"at once":      strings.NewReader(test.input),
				"byte by byte": iotest.OneByteReader(strings.NewReader(test.input)),
			} {
				lr := NewLineReader(r, test.max)
				var got []Line
				for {
					line, err := lr.Next()
					if err == io.EOF {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, line)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("%s: (-want +got)\n%s", kind, diff)
				}
			}
		})
	}
}

// A line that is much longer than the buffer is skipped and its bytes are counted.
func TestLineReaderSkipsAHugeLine(t *testing.T) {
	const size = 5 << 20
	r := io.MultiReader(io.LimitReader(endless('x'), size), strings.NewReader("\nshort\n"))
	lr := NewLineReader(r, 100)
	line, err := lr.Next()
	if err != nil || line.Size != size || len(line.Text) != 100 || !line.Truncated() {
		t.Errorf("got %d of %d bytes, error %v", len(line.Text), line.Size, err)
	}
	if cap(line.Text) > 1000 {
		t.Errorf("%d bytes of memory for a limit of 100", cap(line.Text))
	}
	line, err = lr.Next()
	if err != nil || string(line.Text) != "short" {
		t.Errorf("then got %q, error %v", line.Text, err)
	}
}

type endless byte

func (e endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(e)
	}
	return len(b), nil
}

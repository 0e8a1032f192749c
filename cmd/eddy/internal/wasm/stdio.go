package wasm

import "bytes"

// maxStepOutput is how much a program may write to its standard output and standard error
// before it blocks.
const maxStepOutput = 64 << 20

// tailLines is how many lines of its standard error a process remembers.
const tailLines = 20

// input is what a program has not yet read of its standard input.
type input struct {
	pending []byte
	closed  bool
}

// ready says if a read would not block.
func (in *input) ready() bool { return len(in.pending) > 0 || in.closed }

// read returns 0 at the end of the input.
func (in *input) read(b []byte) int {
	n := copy(b, in.pending)
	if in.pending = in.pending[n:]; len(in.pending) == 0 {
		in.pending = nil
	}
	return n
}

// output is what a program has written, until the caller takes it.
type output struct {
	lines [][]byte
	rest  []byte // a line without its end
	tail  [][]byte
}

func (o *output) write(b []byte) {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			o.rest = append(o.rest, b...)
			return
		}
		line := append(o.rest, b[:i]...)
		o.lines, o.rest = append(o.lines, line), nil
		b = b[i+1:]
	}
}

// take returns the lines written since the last take. If all is set, a line without its end
// counts too.
func (o *output) take(all bool) [][]byte {
	if all && len(o.rest) > 0 {
		o.lines, o.rest = append(o.lines, o.rest), nil
	}
	lines := o.lines
	o.lines = nil
	o.tail = append(o.tail, lines...)
	o.tail = o.tail[max(0, len(o.tail)-tailLines):]
	return lines
}

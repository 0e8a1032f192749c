package healthy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// A member is a member of an object, as text.
type member struct {
	name  string
	value json.RawMessage
}

// An object is an object whose members keep their order.
type object []member

func parse(text []byte) (o object) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.Token()
	for d.More() {
		name, err := d.Token()
		if err != nil {
			panic(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			panic(err)
		}
		o = append(o, member{name.(string), value})
	}
	return o
}

func (o object) text() []byte {
	parts := make([]string, len(o))
	for i, m := range o {
		name, _ := json.Marshal(m.name)
		parts[i] = string(name) + ":" + string(m.value)
	}
	return []byte("{" + strings.Join(parts, ",") + "}")
}

func (o object) get(name string) json.RawMessage {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// with returns the object with a member set.
func (o object) with(name string, value json.RawMessage) object {
	for i, m := range o {
		if m.name == name {
			o[i].value = value
			return o
		}
	}
	return append(o, member{name, value})
}

// without returns the object without a member.
func (o object) without(name string) (rest object) {
	for _, m := range o {
		if m.name != name {
			rest = append(rest, m)
		}
	}
	return rest
}

// change returns a line whose body is changed.
func change(line []byte, body func(object) object) []byte {
	m := parse(line)
	return m.with("body", body(parse(m.get("body"))).text()).text()
}

// A style is how a node writes and reads lines. Its zero value changes nothing.
type style struct {
	out   func(line []byte) []byte      // changes a line that the node writes, without its line feed
	in    func(line []byte) []byte      // changes a line that the node reads
	write func(w io.Writer, all []byte) // writes whole lines; nil writes them at once
	delay func() time.Duration          // how long after the node each line is written; nil means at once
}

// A transport applies a style to standard input and output.
type transport struct {
	p     *program.Process
	style style
	lines *bufio.Reader
	rest  []byte // of the line that is read
	mu    sync.Mutex
	after sync.WaitGroup // lines that are not yet written
}

func (t *transport) Read(p []byte) (int, error) {
	if len(t.rest) == 0 {
		line, err := t.lines.ReadBytes('\n')
		if err != nil {
			return 0, err
		}
		if t.style.in != nil {
			line = append(t.style.in(line), '\n')
		}
		t.rest = line
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

func (t *transport) Write(p []byte) (int, error) {
	var all bytes.Buffer
	for line := range bytes.Lines(p) {
		changed := bytes.TrimSuffix(line, []byte("\n"))
		if t.style.out != nil {
			changed = t.style.out(changed)
		}
		changed = append(bytes.Clone(changed), '\n')
		if t.style.delay == nil {
			all.Write(changed)
			continue
		}
		t.after.Add(1)
		time.AfterFunc(t.style.delay(), func() {
			defer t.after.Done()
			t.write(changed)
		})
	}
	t.write(all.Bytes())
	return len(p), nil
}

func (t *transport) write(lines []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.style.write != nil {
		t.style.write(t.p.Stdout, lines)
		return
	}
	t.p.Stdout.Write(lines)
}

// serve runs a node on standard input and output in a style.
func serve(p *program.Process, n *eddy.Node, s style) {
	t := &transport{p: p, style: s, lines: bufio.NewReaderSize(p.Stdin, 1<<16)}
	if err := n.Serve(p.Context, t); err != nil && p.Context.Err() == nil {
		fmt.Fprintln(p.Stderr, err)
		p.Exit(1)
	}
	t.after.Wait()
}

package talk

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/shorthand"
)

// A console is the input of a session and the place where its transcript is shown.
type console interface {
	// readLine returns the next line, or an error, io.EOF at the end.
	readLine() (cluster.Line, error)

	// Write shows text. It may be called during a call of readLine.
	io.Writer

	// interactive reports whether the console is a terminal, which shows what is
	// typed.
	interactive() bool

	// leave stops reading and restores the terminal. Write still works.
	leave()
}

// openConsole returns a terminalConsole if in and out are terminals.
func openConsole(in, out *os.File) (console, error) {
	if !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) || os.Getenv("TERM") == "dumb" {
		return &pipeConsole{cluster.NewLineReader(in, 0), out}, nil
	}
	state, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, err
	}
	t := &terminalConsole{in: in, out: out, state: state}
	t.term = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out}, "> ")
	t.term.AutoCompleteCallback = complete
	resize := func() {
		if width, height, err := term.GetSize(int(out.Fd())); err == nil && width > 0 && height > 0 {
			t.term.SetSize(width, height)
		}
	}
	resize()
	t.stopResizing = onResize(resize)
	return t, nil
}

// UseColours reports whether to write colours to out. when is always, never or auto;
// auto means that out is a terminal and NO_COLOR (no-color.org) is not set.
func UseColours(when string, out *os.File) bool {
	switch when {
	case "always":
		return true
	case "never":
		return false
	}
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(out.Fd()))
}

// A pipeConsole reads prepared lines and writes the transcript.
type pipeConsole struct {
	lines *cluster.LineReader
	out   io.Writer
}

func (c *pipeConsole) readLine() (cluster.Line, error) { return c.lines.Next() }
func (c *pipeConsole) Write(text []byte) (int, error)  { return c.out.Write(text) }
func (c *pipeConsole) interactive() bool               { return false }
func (c *pipeConsole) leave()                          {}

// A terminalConsole is a terminal in raw mode. It has a prompt in its last line, with
// line editing and a history, and shows the transcript above.
type terminalConsole struct {
	in, out      *os.File
	state        *term.State
	term         *term.Terminal
	stopResizing func()
	left         bool
}

func (c *terminalConsole) readLine() (cluster.Line, error) {
	text, err := c.term.ReadLine() // Ctrl-C and Ctrl-D return io.EOF
	return cluster.Line{Text: []byte(text), Size: int64(len(text))}, err
}

func (c *terminalConsole) Write(text []byte) (int, error) {
	if c.left {
		return c.out.Write(text)
	}
	return c.term.Write(text)
}

func (c *terminalConsole) interactive() bool { return true }

func (c *terminalConsole) leave() {
	if c.left {
		return
	}
	c.left = true
	c.stopResizing()
	// Clear the prompt and the line that was being typed.
	c.term.SetPrompt("")
	c.term.Write(nil)
	io.WriteString(c.out, "\r\x1b[K")
	term.Restore(int(c.in.Fd()), c.state)
}

// complete completes the first word of a line if key is a tab.
func complete(line string, pos int, key rune) (string, int, bool) {
	if key != '\t' {
		return "", 0, false
	}
	before, after := line[:pos], line[pos:]
	if strings.Contains(before, " ") {
		return line, pos, true
	}
	words := shorthand.Complete(before)
	if len(words) == 0 {
		return line, pos, true
	}
	common := words[0]
	for _, word := range words[1:] {
		for !strings.HasPrefix(word, common) {
			common = common[:len(common)-1]
		}
	}
	if len(words) == 1 {
		common += " "
	}
	return common + after, len(common), true
}

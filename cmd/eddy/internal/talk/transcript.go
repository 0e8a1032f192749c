package talk

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/shorthand"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/quote"
)

// A style is the parameters of an SGR escape sequence.
type style string

const (
	plain        style = ""
	dim          style = "2"
	bold         style = "1"
	toNode       style = "36" // cyan
	replies      style = "32" // green
	nodeRequests style = "33" // yellow
	warnings     style = "31" // red
)

// A transcript shows a session: one line for each message, for each line of the node
// that is not a message, and for each remark. All text of the node is escaped.
//
//	0.012s  c1 → n1  relay       #1     target=n2 payload={"type":"read"}
//	0.013s  n1 → n2  read        #1
//	0.513s  n1 |  a line from the node's stderr
//	0.600s  -- a remark
//	0.700s  !! something is wrong
type transcript struct {
	w       io.Writer
	colours bool
	times   bool
	cut     int           // the limit of the text of one message or line in bytes; 0 for none
	idWidth int           // the width of node ids
	now     func() string // the time column
	err     error         // the first error of w
}

// clock returns a function that returns the time column, which begins at 0 now.
func clock() func() string {
	start := time.Now()
	return func() string { return fmt.Sprintf("%8.3fs", time.Since(start).Seconds()) }
}

// paint returns text in a style if colours are on.
func (t *transcript) paint(s style, text string) string {
	if !t.colours || s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// line writes one line after the time column.
func (t *transcript) line(text string) {
	if t.times {
		text = t.paint(dim, t.now()) + "  " + text
	}
	t.write(text)
}

func (t *transcript) write(text string) {
	if t.err == nil {
		_, t.err = io.WriteString(t.w, strings.TrimRight(text, " ")+"\n")
	}
}

// typed shows a line that was not typed on this screen.
func (t *transcript) typed(text string) {
	text = quote.Printable(strings.TrimRight(text, " \t\r"))
	if !strings.HasPrefix(text, "#") && text != "" {
		text = "> " + text
	}
	t.write(t.paint(bold, t.shorten(text)))
}

// remark shows a remark of the session.
func (t *transcript) remark(format string, args ...any) {
	t.line(t.paint(dim, "-- "+fmt.Sprintf(format, args...)))
}

// warn shows a remark about something that is wrong.
func (t *transcript) warn(format string, args ...any) {
	t.line(t.paint(warnings, "!! "+fmt.Sprintf(format, args...)))
}

// message shows a message and what is wrong with it.
func (t *transcript) message(m *shownMessage, s style, wrong ...string) {
	if m.Type == "error" {
		s = warnings
	}
	ids := ""
	switch {
	case m.IsReply():
		ids = fmt.Sprintf("re #%d", m.InReplyTo)
	case m.ID != message.None:
		ids = fmt.Sprintf("#%d", m.ID)
	}
	rest := t.shorten(showFields(m))
	if m.IsReply() && m.ID != message.None {
		if rest != "" {
			rest += "  "
		}
		rest += t.paint(dim, fmt.Sprintf("(#%d)", m.ID))
	}
	columns := []string{
		pad(t.name(m.Src), t.idWidth) + t.paint(s, " → ") + pad(t.name(m.Dest), t.idWidth),
		t.paint(s, pad(t.name(m.Type), 10)),
		pad(ids, 6),
		rest,
	}
	for _, text := range wrong {
		columns = append(columns, t.paint(warnings, "!! "+text))
	}
	t.line(strings.Join(columns, "  "))
}

func (t *transcript) name(text string) string { return t.shorten(shorthand.ShowName(text)) }

// showFields returns the fields of a body. The code of an error has its name beside it.
func showFields(m *shownMessage) string {
	if m.Type != "error" {
		return shorthand.Show(m.fields)
	}
	var parts []string
	for _, f := range m.fields {
		part := shorthand.Show([]message.Field{f})
		if name := shorthand.ErrorName(string(f.Value)); f.Name == "code" && name != "" {
			part += " (" + name + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}

// sent shows a line that was sent to the node and is not a message.
func (t *transcript) sent(node, text string) {
	t.line(t.paint(toNode, "→ ") + t.name(node) + "  " + t.shorten(quote.Printable(text)))
}

// stderr shows a line that the node wrote to stderr.
func (t *transcript) stderr(node string, line cluster.Line) {
	text := strings.ReplaceAll(string(line.Text), "\t", "    ")
	t.line(t.paint(dim, t.name(node)+" |  "+t.text(text, line)))
}

// invalid shows a line of the node's stdout that is not a message.
func (t *transcript) invalid(node string, line cluster.Line, why string) {
	t.line(t.paint(warnings, t.name(node)+" ?  "+why+": ") + t.text(string(line.Text), line))
}

// text returns what is shown of a line, of which the session may have only a part.
func (t *transcript) text(text string, line cluster.Line) string {
	cut := line.Truncated()
	if t.cut > 0 && len(text) > t.cut {
		cut, text = true, text[:t.cut]
	}
	text = quote.Printable(text)
	if cut {
		text += fmt.Sprintf("… (%d bytes)", line.Size)
	}
	return text
}

// shorten cuts text at the limit and adds its length.
func (t *transcript) shorten(text string) string {
	if t.cut > 0 {
		if begin, cut := quote.Cut(text, t.cut); cut {
			return fmt.Sprintf("%s… (%d bytes)", begin, len(text))
		}
	}
	return text
}

// pad adds blanks to text up to a width in characters.
func pad(text string, width int) string {
	if missing := width - utf8.RuneCountInString(text); missing > 0 {
		return text + strings.Repeat(" ", missing)
	}
	return text
}

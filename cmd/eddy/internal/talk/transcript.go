package talk

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/quote"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/shorthand"
	"github.com/eddyrpc/eddy/internal/message"
)

// A style is an SGR escape sequence's parameters.
type style string

const (
	plain    style = ""
	dim      style = "2"
	bold     style = "1"
	toNode   style = "36" // cyan
	reply    style = "32" // green
	question style = "33" // yellow: the node asks somebody
	failure  style = "31" // red
)

// A transcript is what a session shows: one line for each message, for each
// line of the node that is none, and for what there is to remark. It writes
// nothing raw that came from the node.
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
	cut     int           // longest text shown of a message or line, in bytes; 0 for no limit
	idWidth int           // of a node's id
	now     func() string // the time column
	err     error         // the first one of writing
}

// clock makes a time column that counts from now.
func clock() func() string {
	start := time.Now()
	return func() string { return fmt.Sprintf("%8.3fs", time.Since(start).Seconds()) }
}

// paint returns the text in a style, if there are colours.
func (t *transcript) paint(s style, text string) string {
	if !t.colours || s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// line writes one line behind the time.
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

// typed repeats a line that was not typed on this very screen.
func (t *transcript) typed(text string) {
	text = quote.Printable(strings.TrimRight(text, " \t\r"))
	if !strings.HasPrefix(text, "#") && text != "" {
		text = "> " + text
	}
	t.write(t.paint(bold, t.shorten(text)))
}

// remark is something the session itself has to say.
func (t *transcript) remark(format string, args ...any) {
	t.line(t.paint(dim, "-- "+fmt.Sprintf(format, args...)))
}

// complain is a remark about something that went wrong.
func (t *transcript) complain(format string, args ...any) {
	t.line(t.paint(failure, "!! "+fmt.Sprintf(format, args...)))
}

// message shows a message; notes are remarks on it.
func (t *transcript) message(m shownMessage, s style, notes ...string) {
	if m.Type == "error" {
		s = failure
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
	for _, note := range notes {
		columns = append(columns, t.paint(failure, "!! "+note))
	}
	t.line(strings.Join(columns, "  "))
}

func (t *transcript) name(text string) string { return t.shorten(shorthand.ShowName(text)) }

// showFields is the body's own fields; an error's code is explained.
func showFields(m shownMessage) string {
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

// sent shows a line that was sent and is not a message.
func (t *transcript) sent(node, text string) {
	t.line(t.paint(toNode, "→ ") + t.name(node) + "  " + t.shorten(quote.Printable(text)))
}

// stderr shows a line of the node's stderr.
func (t *transcript) stderr(node string, line cluster.Line) {
	text := strings.ReplaceAll(string(line.Text), "\t", "    ")
	t.line(t.paint(dim, t.name(node)+" |  "+t.text(text, line)))
}

// rubbish shows a line of the node's stdout that is not a message.
func (t *transcript) rubbish(node string, line cluster.Line, why string) {
	t.line(t.paint(failure, t.name(node)+" ?  "+why+": ") + t.text(string(line.Text), line))
}

// text is what is shown of a line, or of the part of it that there is.
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

// shorten cuts text that is longer than the limit, saying how long it was.
func (t *transcript) shorten(text string) string {
	if t.cut > 0 {
		if begin, cut := quote.Cut(text, t.cut); cut {
			return fmt.Sprintf("%s… (%d bytes)", begin, len(text))
		}
	}
	return text
}

// pad fills up to a width in characters.
func pad(text string, width int) string {
	if missing := width - utf8.RuneCountInString(text); missing > 0 {
		return text + strings.Repeat(" ", missing)
	}
	return text
}

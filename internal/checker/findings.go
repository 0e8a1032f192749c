package checker

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/canonical"
	"github.com/eddyrpc/eddy/internal/history"
)

// maxPerCheck is how many problems of one check are kept. The others are only
// counted, so that one bug does not fill the report.
const maxPerCheck = 10

// findings collects problems.
type findings struct {
	list  []Problem
	count map[string]int
}

// add adds a problem. record is the index of the message that shows it, or negative
// if there is none. The operations among args are those of Problem.Requests. add
// returns false if the problem was only counted.
func (f *findings) add(check string, at time.Duration, record int, format string, args ...any) bool {
	if f.count == nil {
		f.count = map[string]int{}
	}
	if f.count[check]++; f.count[check] > maxPerCheck {
		return false
	}
	p := Problem{Check: check, At: at, Text: fmt.Sprintf(format, args...), Record: record + 1}
	for _, arg := range args {
		if op, ok := arg.(*history.Op); ok {
			p.Requests = append(p.Requests, requestOf(op))
		}
	}
	f.list = append(f.list, p)
	return true
}

func requestOf(op *history.Op) Request { return Request{op.Client, op.Node, op.MsgID} }

// last returns the problem that was added last.
func (f *findings) last() *Problem { return &f.list[len(f.list)-1] }

// addRequests adds the requests of operations to the problem that was added last.
func (f *findings) addRequests(ops ...*history.Op) {
	p := f.last()
	for _, op := range ops {
		p.Requests = append(p.Requests, requestOf(op))
	}
}

// unknown adds a problem that is not a violation.
func (f *findings) unknown(check string, at time.Duration, format string, args ...any) {
	if f.add(check, at, -1, format, args...) {
		f.list[len(f.list)-1].Unknown = true
	}
}

// problems returns the sorted problems. If a check found more than were kept, the
// last one says how many.
func (f *findings) problems() []Problem {
	seen := map[string]int{}
	for i := range f.list {
		p := &f.list[i]
		if seen[p.Check]++; seen[p.Check] == maxPerCheck && f.count[p.Check] > maxPerCheck {
			first, rest, _ := strings.Cut(p.Text, "\n")
			p.Text = strings.TrimSuffix(fmt.Sprintf("%s (and %d more)\n%s", first, f.count[p.Check]-maxPerCheck, rest), "\n")
			p.Count = f.count[p.Check] - maxPerCheck + 1
		}
	}
	Sort(f.list)
	return f.list
}

// seconds formats a time for a problem's text.
func seconds(d time.Duration) string { return fmt.Sprintf("%.3fs", d.Seconds()) }

// round rounds a duration for a problem's text.
func round(d time.Duration) time.Duration { return d.Round(time.Microsecond) }

// A reader reads members of JSON objects and reuses its decoder.
type reader struct{ dec jsontext.Decoder }

// members returns the members of an object with the given names, or nil for those
// that are missing. The values alias the object.
func (r *reader) members(object []byte, names ...string) []jsontext.Value {
	found := make([]jsontext.Value, len(names))
	r.dec.Reset(bytes.NewBuffer(object), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) // of a lone surrogate's escape
	if start, err := r.dec.ReadToken(); err != nil || start.Kind() != '{' {
		return found
	}
	for r.dec.PeekKind() == '"' {
		name, err := r.dec.ReadToken()
		if err != nil {
			return found
		}
		i := slices.Index(names, name.String())
		value, err := r.dec.ReadValue()
		if err != nil {
			return found
		}
		if i >= 0 {
			end := int(r.dec.InputOffset())
			found[i] = object[end-len(value) : end : end]
		}
	}
	return found
}

func (r *reader) member(object []byte, name string) jsontext.Value {
	return r.members(object, name)[0]
}

// integer parses a value that is an integer. A relay may write 1 as 1.0.
func integer(v jsontext.Value) (int64, bool) { return canonical.Int(v) }

// text parses a value that is a string. It returns "" for other values.
func text(v jsontext.Value) string {
	if v.Kind() != '"' {
		return ""
	}
	s, _ := jsontext.AppendUnquote(nil, v)
	return string(s)
}

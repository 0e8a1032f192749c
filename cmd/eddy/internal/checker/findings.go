package checker

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
)

// keptPerCheck is how many problems of one check are told one by one: a node
// that does everything wrong does not fill the report.
const keptPerCheck = 10

// findings gathers problems.
type findings struct {
	list  []Problem
	count map[string]int
}

// add takes in a problem that shows in a record of the journal, or in none if
// record is less than 0. It is about the operations among args. It reports false
// if that one is only counted.
func (f *findings) add(check string, at time.Duration, record int, format string, args ...any) bool {
	if f.count == nil {
		f.count = map[string]int{}
	}
	if f.count[check]++; f.count[check] > keptPerCheck {
		return false
	}
	p := Problem{Check: check, At: at, Text: fmt.Sprintf(format, args...), Record: record + 1}
	for _, arg := range args {
		if op, ok := arg.(*history.Op); ok {
			p.Asked = append(p.Asked, asked(op))
		}
	}
	f.list = append(f.list, p)
	return true
}

func asked(op *history.Op) Asked { return Asked{op.Client, op.Node, op.MsgID} }

// about says which operations the problem that was added last is about, too.
func (f *findings) about(ops ...*history.Op) {
	p := &f.list[len(f.list)-1]
	for _, op := range ops {
		p.Asked = append(p.Asked, asked(op))
	}
}

// unknown takes in what keeps us from judging.
func (f *findings) unknown(check string, at time.Duration, format string, args ...any) {
	if f.add(check, at, -1, format, args...) {
		f.list[len(f.list)-1].Unknown = true
	}
}

// problems are the first of each check in the order of time. Of a check with
// more, the last says how many.
func (f *findings) problems() []Problem {
	told := map[string]int{}
	for i := range f.list {
		p := &f.list[i]
		if told[p.Check]++; told[p.Check] == keptPerCheck && f.count[p.Check] > keptPerCheck {
			p.Text += fmt.Sprintf(" (and %d more like this)", f.count[p.Check]-keptPerCheck)
		}
	}
	Sort(f.list)
	return f.list
}

// seconds is a time as reasons have it.
func seconds(d time.Duration) string { return fmt.Sprintf("%.3fs", d.Seconds()) }

// round is a span of time as reasons have it.
func round(d time.Duration) time.Duration { return d.Round(time.Microsecond) }

// A reader reads members of JSON objects, with a decoder that it uses again.
type reader struct{ dec jsontext.Decoder }

// members are those members of an object that have the names given, views into
// it, in the order of the names; nil where there is none.
func (r *reader) members(object []byte, names ...string) []jsontext.Value {
	found := make([]jsontext.Value, len(names))
	r.dec.Reset(bytes.NewBuffer(object), jsontext.AllowDuplicateNames(true))
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

// integer reads a value that is an integer.
func integer(v jsontext.Value) (int64, bool) {
	n, err := strconv.ParseInt(string(v), 10, 64)
	return n, err == nil
}

// text reads a value that is a string.
func text(v jsontext.Value) string {
	if v.Kind() != '"' {
		return ""
	}
	s, _ := jsontext.AppendUnquote(nil, v)
	return string(s)
}

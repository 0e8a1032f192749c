package healthy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ids returns a style in which a node writes other numbers for its msg_ids. back is the
// inverse of to.
func ids(to func(int64) string, back func(int64) int64) style {
	return style{
		out: func(line []byte) []byte {
			return change(line, func(body object) object {
				if id := body.get("msg_id"); id != nil {
					n, _ := strconv.ParseInt(string(id), 10, 64)
					body = body.with("msg_id", json.RawMessage(to(n)))
				}
				return body
			})
		},
		in: func(line []byte) []byte {
			return change(line, func(body object) object {
				for _, name := range []string{"msg_id", "in_reply_to"} {
					id := body.get(name)
					if id == nil {
						continue
					}
					n, _ := strconv.ParseInt(string(id), 10, 64)
					if name == "in_reply_to" {
						n = back(n)
					}
					body = body.with(name, json.RawMessage(strconv.FormatInt(n, 10)))
				}
				return body
			})
		},
	}
}

// downwards counts from 2^63-1 downwards. It is its own inverse.
func downwards(n int64) int64 { return math.MaxInt64 - n }

// scrambled is a permutation of the numbers from 0 to 2^63-1, and its own inverse.
func scrambled(n int64) int64 { return n ^ 0x5a5a_3c3c_0f0f_7777 }

// eachByte returns JSON text with changes outside and inside of its strings.
func eachByte(line []byte, outside, inside func(c byte) string) []byte {
	var b bytes.Buffer
	quoted, escaped := false, false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case escaped:
			escaped = false
			b.WriteByte(c)
			if c == 'u' && i+4 < len(line) { // the digits belong to the escape
				b.Write(line[i+1 : i+5])
				i += 4
			}
		case quoted && c == '\\':
			escaped = true
			b.WriteByte(c)
		case c == '"':
			quoted = !quoted
			b.WriteByte(c)
		case quoted:
			b.WriteString(inside(c))
		default:
			b.WriteString(outside(c))
		}
	}
	return b.Bytes()
}

func unchanged(c byte) string { return string([]byte{c}) }

func blanks(line []byte) []byte {
	return eachByte(line, func(c byte) string {
		if strings.IndexByte("{}[]:,", c) >= 0 {
			return " \t" + string(c) + "\r  "
		}
		return string(c)
	}, unchanged)
}

func escapes(line []byte) []byte {
	return eachByte(line, unchanged, func(c byte) string {
		if c < 0x80 {
			return fmt.Sprintf(`\u%04X`, c)
		}
		return string([]byte{c})
	})
}

func reversed(line []byte) []byte {
	m := parse(line)
	body := parse(m.get("body"))
	slices.Reverse(body)
	m = m.with("body", body.text())
	slices.Reverse(m)
	return m.text()
}

// moreFields returns a function that adds fields to the envelope of a line.
func moreFields() func(line []byte) []byte {
	number := 0
	return func(line []byte) []byte {
		number++
		m := object{{"id", json.RawMessage(strconv.Itoa(number))}, {"trace", json.RawMessage(`{"src":"nobody","body":[null,1e400]}`)}}
		m = append(m, parse(line)...)
		return append(m, member{"", json.RawMessage(`"\ud800"`)}).text()
	}
}

// replies returns a style that changes the bodies of replies.
func replies(body func(object) object) style {
	return style{out: func(line []byte) []byte {
		return change(line, func(b object) object {
			if b.get("in_reply_to") == nil {
				return b
			}
			return body(b)
		})
	}}
}

var integers = regexp.MustCompile(`\b\d+\b`)

// numbers writes the integers of a body in other notations, except ids.
func numbers(body object) object {
	for i, m := range body {
		if m.name != "msg_id" && m.name != "in_reply_to" && !bytes.Contains(m.value, []byte(`"`)) {
			n := 0
			body[i].value = integers.ReplaceAllFunc(m.value, func(digits []byte) []byte {
				n++
				return append(bytes.Clone(digits), []string{".0", "e0", ".00E+0"}[n%3]...)
			})
		}
	}
	return body
}

func inPieces(w io.Writer, all []byte) {
	for i := 0; len(all) > 0; i++ {
		n := min(len(all), 1+i%40)
		w.Write(all[:n])
		all = all[n:]
		if i%8 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

func upTo(d time.Duration) func() time.Duration {
	return func() time.Duration { return rand.N(d) }
}

// styles are what nodes of any workload can do. Each node has a style of its own.
var styles = map[string]func() style{
	"ids-downwards": func() style {
		return ids(func(n int64) string { return strconv.FormatInt(downwards(n), 10) }, downwards)
	},
	"ids-scrambled": func() style {
		return ids(func(n int64) string { return strconv.FormatInt(scrambled(n), 10) }, scrambled)
	},
	"ids-from-2^53": func() style {
		return ids(func(n int64) string { return strconv.FormatInt(1<<53-3+n, 10) }, func(n int64) int64 { return n - 1<<53 + 3 })
	},
	"numbers":          func() style { return replies(numbers) },
	"blanks":           func() style { return style{out: blanks} },
	"escapes":          func() style { return style{out: escapes} },
	"keys-reversed":    func() style { return style{out: reversed} },
	"more-fields":      func() style { return style{out: moreFields()} },
	"no-id-in-replies": func() style { return replies(func(b object) object { return b.without("msg_id") }) },
	"in-pieces":        func() style { return style{write: inPieces} },
	"carriage-returns": func() style {
		return style{out: func(line []byte) []byte { return append(bytes.Clone(line), " \t \r"...) }}
	},
	"leading-blanks": func() style { return style{out: func(line []byte) []byte { return append([]byte("\t  "), line...) }} },
	"out-of-order":   func() style { return style{delay: upTo(40 * time.Millisecond)} },
}

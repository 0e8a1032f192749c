// Package shorthand is the notation in which a person talks to a node: what is
// typed becomes a command, and what a node writes is shown as it could have
// been typed. It is pure: text in, values out.
package shorthand

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/message"
)

// A Verb is what a typed line asks for.
type Verb int

const (
	Nothing Verb = iota // a blank line or a comment
	Request             // send Body to the node
	Answer              // send Body to the node, in reply to a request of its own
	Message             // send Line: a whole message
	Raw                 // send Line, whatever it is
	Wait                // wait For, or if that is 0 until all is answered
	Help
	Quit
)

// A Command is one typed line, understood.
type Command struct {
	Verb Verb

	// Body is a JSON object that has a type. It holds what was typed to the
	// byte: key order, numbers, escapes.
	Body jsontext.Value

	// Line is what to send exactly as it was typed.
	Line string

	// To is the msg_id of the request to answer; below 0 if none was named.
	To int64

	For time.Duration
}

// maxNesting bounds payloads within payloads.
const maxNesting = 100

// Parse understands one typed line. Its error is for the person who typed it:
// what is wrong and what was expected, in one line, which may quote what was
// typed and is to be shown through Escape.
func Parse(line string) (Command, error) {
	if !utf8.ValidString(line) {
		if text, ok := strings.CutPrefix(trim(line), "raw "); ok {
			return Command{Verb: Raw, Line: text}, nil
		}
		return Command{}, errors.New("not valid UTF-8; `raw ...` sends any bytes")
	}
	line = trim(line)
	verb, rest := cutPlain(line)
	switch {
	case line == "" || line[0] == '#':
		return Command{}, nil
	case line[0] == '{':
		return parseObject(line)
	}
	switch verb {
	case "help", "?":
		return Command{Verb: Help}, nothingMore(verb, rest)
	case "quit", "exit":
		return Command{Verb: Quit}, nothingMore(verb, rest)
	case "raw":
		return Command{Verb: Raw, Line: rest}, nil
	case "wait":
		return parseWait(rest)
	case "answer":
		return parseAnswer(rest)
	}
	body, err := parseBody(line, 0)
	return Command{Verb: Request, Body: body}, err
}

func nothingMore(verb, rest string) error {
	if rest != "" {
		return fmt.Errorf("%s takes nothing more, not %q", verb, clip(rest))
	}
	return nil
}

func parseWait(text string) (Command, error) {
	if text == "" {
		return Command{Verb: Wait}, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return Command{}, fmt.Errorf("wait takes a time such as 600ms or 2s, or nothing, not %q", clip(text))
	}
	return Command{Verb: Wait, For: d}, nil
}

func parseAnswer(text string) (Command, error) {
	c := Command{Verb: Answer, To: -1}
	first, rest := cutPlain(text)
	if id, err := strconv.ParseInt(first, 10, 64); err == nil && id >= 0 {
		c.To, text = id, rest
	}
	if text == "" {
		return c, errors.New("answer takes the msg_id of the request, if it isn't the newest, and a body: answer read_ok value=3")
	}
	body, err := parseBody(text, 0)
	c.Body = body
	return c, err
}

// parseObject understands a line of JSON: a body, or a whole message.
func parseObject(line string) (Command, error) {
	value, n, err := message.Prefix(line)
	if err != nil {
		return Command{}, err
	}
	if n < len(line) {
		return Command{}, fmt.Errorf("one JSON object a line, but after it comes %q", clip(trim(line[n:])))
	}
	fields, _ := message.Fields(value) // it is an object: it begins with {
	has := map[string]bool{}
	for _, f := range fields {
		has[f.Name] = true
	}
	if has["body"] && (has["src"] || has["dest"]) {
		return Command{Verb: Message, Line: line}, nil
	}
	if err := checkType(fields); err != nil {
		return Command{}, fmt.Errorf(`%w; a JSON line is a body {"type":...} or a whole message {"src":...,"dest":...,"body":...}`, err)
	}
	return Command{Verb: Request, Body: value}, nil
}

// parseBody understands a short message or a body in JSON.
func parseBody(text string, depth int) (jsontext.Value, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("more than %d payloads within each other", maxNesting)
	}
	if text[0] == '{' {
		value, n, err := message.Prefix(text)
		if err != nil {
			return nil, err
		}
		if n < len(text) {
			return nil, fmt.Errorf("a body in JSON is all there is, but after it comes %q", clip(trim(text[n:])))
		}
		fields, _ := message.Fields(value)
		return value, checkType(fields)
	}

	name, rest := cutPlain(text)
	if key, _ := cutName(name); key != "" || strings.ContainsAny(name, `"[{}]`) {
		return nil, fmt.Errorf("a message begins with its type, as in `echo hi`, not with %q", clip(name))
	}
	t, known := findType(name)
	t.Name = name
	p := bodyParser{t: t, depth: depth}
	for rest != "" {
		var err error
		if rest, err = p.take(rest); err != nil {
			return nil, err
		}
	}
	if !known && len(p.words) > 0 {
		return nil, fmt.Errorf("%s is not a type whose arguments are known here; give them by name: %s value=%s",
			clip(name), clip(name), clip(p.words[0].text))
	}
	return p.finish()
}

// A bodyParser collects the words of one short message.
type bodyParser struct {
	t     Type
	depth int
	named []word
	words []word // without a name
}

// take takes one word off text, or, when the turn is a Body's, all of it.
func (p *bodyParser) take(text string) (rest string, err error) {
	if name, _ := cutName(text); name == "" {
		if open := p.open(); len(p.words) < len(open) && open[len(p.words)].Kind == Body {
			body, err := parseBody(text, p.depth+1)
			if err != nil {
				return "", fmt.Errorf("%s's %s: %w", p.t.Name, open[len(p.words)].Field, err)
			}
			p.words = append(p.words, word{text: text, value: body})
			return "", nil
		}
	}
	w, rest, err := cutWord(text)
	if err != nil {
		return "", err
	}
	if w.name == "" {
		p.words = append(p.words, w)
		return rest, nil
	}
	if w.name == "type" {
		return "", errors.New("the type is the first word of a message")
	}
	for _, other := range p.named {
		if other.name == w.name {
			return "", fmt.Errorf("%s is given twice", w.name)
		}
	}
	p.named = append(p.named, w)
	return rest, nil
}

// open is the arguments that were not given by name.
func (p *bodyParser) open() []Arg {
	var open []Arg
	for _, arg := range p.t.Args {
		if !p.isNamed(arg.Field) && !p.isNamed(arg.Or) {
			open = append(open, arg)
		}
	}
	return open
}

func (p *bodyParser) isNamed(field string) bool {
	for _, w := range p.named {
		if w.name == field {
			return true
		}
	}
	return false
}

// finish builds the body: the type, the arguments in the table's order, and
// then, as typed, what was given by name.
func (p *bodyParser) finish() (jsontext.Value, error) {
	open := p.open()
	words := p.words
	fields := []message.Field{{Name: "type", Value: message.Quote(p.t.Name)}}
	for i, arg := range open {
		switch {
		case len(words) == 0 && arg.Optional:
		case len(words) == 0:
			return nil, fmt.Errorf("%s is missing: %s", arg.Field, p.t.Usage())
		case arg.Kind == Text && i == len(open)-1 && len(words) > 1:
			var texts []string
			for _, w := range words {
				texts = append(texts, w.text)
			}
			fields = append(fields, message.Field{Name: arg.Field, Value: message.Quote(strings.Join(texts, " "))})
			words = nil
		case arg.Kind == Code:
			value := words[0].value
			if code, ok := errorCode(words[0].text); ok {
				value = jsontext.Value(code)
			}
			if value.Kind() != '0' {
				return nil, fmt.Errorf("%s is a number or a name such as precondition-failed, not %q", arg.Field, clip(words[0].text))
			}
			fields = append(fields, message.Field{Name: arg.Field, Value: value})
			words = words[1:]
		default:
			fields = append(fields, message.Field{Name: arg.Field, Value: words[0].value})
			words = words[1:]
		}
	}
	if len(words) > 0 {
		return nil, fmt.Errorf("%q is one too many: %s", clip(words[0].text), p.t.Usage())
	}
	for _, w := range p.named {
		fields = append(fields, message.Field{Name: w.name, Value: w.value})
	}
	return object(fields), nil
}

// Package shorthand parses the short notation for messages that people type in eddy
// talk, and writes messages in it. It is pure: it has no input and no output.
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

// A Verb is the kind of a command.
type Verb int

const (
	Nothing Verb = iota // a blank line or a comment
	Request             // send Body to the node
	Reply               // send Body to the node, as the reply to one of its requests
	Message             // send Line, which is a whole message
	Raw                 // send Line, which may be anything
	Wait                // wait For, or, if For is 0, until every request has its reply
	Help
	Quit
)

// A Command is what one typed line means.
type Command struct {
	Verb Verb

	// Body is a JSON object that has a type. The order of its members, its
	// numbers and its escapes are as they were typed.
	Body jsontext.Value

	// Line is sent exactly as it was typed.
	Line string

	// To is the msg_id of the request that Reply replies to; -1 if none was
	// given.
	To int64

	For time.Duration
}

// maxNesting limits the depth of payloads that contain payloads.
const maxNesting = 100

// Parse parses one typed line. Its error is one line for the person who typed it.
// It may quote what was typed, so it must be shown through quote.Printable.
func Parse(line string) (Command, error) {
	if !utf8.ValidString(line) {
		if text, ok := strings.CutPrefix(trim(line), "raw "); ok {
			return Command{Verb: Raw, Line: text}, nil
		}
		return Command{}, errors.New("not valid UTF-8; to send any bytes, type raw and the bytes")
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
	case "reply":
		return parseReply(rest)
	}
	body, err := parseBody(line, 0)
	return Command{Verb: Request, Body: body}, err
}

func nothingMore(verb, rest string) error {
	if rest != "" {
		return fmt.Errorf("%s has no arguments: %q", verb, clip(rest))
	}
	return nil
}

func parseWait(text string) (Command, error) {
	if text == "" {
		return Command{Verb: Wait}, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return Command{}, fmt.Errorf("wait %s: must be a duration such as 600ms or 2s", clip(text))
	}
	return Command{Verb: Wait, For: d}, nil
}

func parseReply(text string) (Command, error) {
	c := Command{Verb: Reply, To: -1}
	first, rest := cutPlain(text)
	if id, err := strconv.ParseInt(first, 10, 64); err == nil && id >= 0 {
		c.To, text = id, rest
	}
	if text == "" {
		return c, errors.New("reply needs a body, and before it the msg_id of the request if that is not the newest one: reply read_ok value=3")
	}
	body, err := parseBody(text, 0)
	c.Body = body
	return c, err
}

// parseObject parses a line of JSON: a body or a whole message.
func parseObject(line string) (Command, error) {
	value, n, err := message.Prefix(line)
	if err != nil {
		return Command{}, err
	}
	if n < len(line) {
		return Command{}, fmt.Errorf("a line must contain one JSON object, but %q follows it", clip(trim(line[n:])))
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
		return Command{}, fmt.Errorf(`%w; a line of JSON must be a body {"type":...} or a whole message {"src":...,"dest":...,"body":...}`, err)
	}
	return Command{Verb: Request, Body: value}, nil
}

// parseBody parses a short message or a body in JSON.
func parseBody(text string, depth int) (jsontext.Value, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("payloads are nested deeper than %d", maxNesting)
	}
	if text[0] == '{' {
		value, n, err := message.Prefix(text)
		if err != nil {
			return nil, err
		}
		if n < len(text) {
			return nil, fmt.Errorf("%q follows the JSON body", clip(trim(text[n:])))
		}
		fields, _ := message.Fields(value)
		return value, checkType(fields)
	}

	name, rest := cutPlain(text)
	if key, _ := cutName(name); key != "" || strings.ContainsAny(name, `"[{}]`) {
		return nil, fmt.Errorf("%q: a message must begin with its type, as in: echo hi", clip(name))
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
		return nil, fmt.Errorf("arguments of %s need names: %s value=%s",
			clip(name), clip(name), clip(p.words[0].text))
	}
	return p.finish()
}

// A bodyParser parses one short message.
type bodyParser struct {
	t     Type
	depth int
	named []word
	words []word // without a name
}

// take parses the first word of text, or all of text if the next argument is a Body.
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
		return "", errors.New("type must be the first word of a message, without a name")
	}
	for _, other := range p.named {
		if other.name == w.name {
			return "", fmt.Errorf("%s is given twice", w.name)
		}
	}
	p.named = append(p.named, w)
	return rest, nil
}

// open returns the arguments that were not given by name.
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

// finish returns the body: the type, the arguments without a name in the order of
// the type's table, then the named ones in the order in which they were typed.
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
				return nil, fmt.Errorf("%s %s: must be a number, or a name such as precondition-failed", arg.Field, clip(words[0].text))
			}
			fields = append(fields, message.Field{Name: arg.Field, Value: value})
			words = words[1:]
		default:
			fields = append(fields, message.Field{Name: arg.Field, Value: words[0].value})
			words = words[1:]
		}
	}
	if len(words) > 0 {
		return nil, fmt.Errorf("%q is one argument too many: %s", clip(words[0].text), p.t.Usage())
	}
	for _, w := range p.named {
		fields = append(fields, message.Field{Name: w.name, Value: w.value})
	}
	return object(fields), nil
}

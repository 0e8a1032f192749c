package retry

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// In JSON, the tags of the fields are the names of the members, and a duration is
// written as Go writes it ("500ms"). A member that is left out has its default. null,
// and a 0 that would mean the default, are refused, because they seem to mean no limit
// or no retry.

// form is a Policy without its methods, which would call each other for ever.
type form Policy

// options are those of the JSON package. They are made when they are first needed,
// because most nodes read no policy.
var options = sync.OnceValue(func() json.Options {
	return json.JoinOptions(
		json.RejectUnknownMembers(true),
		json.Deterministic(true),
		json.WithUnmarshalers(json.UnmarshalFromFunc(readDuration)),
		json.WithMarshalers(json.MarshalToFunc(func(to *jsontext.Encoder, d time.Duration) error {
			return to.WriteToken(jsontext.String(d.String()))
		})),
	)
})

func readDuration(from *jsontext.Decoder, d *time.Duration) error {
	value, err := from.ReadValue()
	if err != nil {
		return err
	}
	var text string
	if value.Kind() == '"' {
		if err := json.Unmarshal(value, &text); err != nil {
			return err
		}
	}
	if *d, err = time.ParseDuration(text); err != nil || *d <= 0 {
		return errors.New("not a duration") // ofField says the rest
	}
	return nil
}

// MarshalJSON writes what Load reads. Its error names the first field with an invalid
// value.
func (p Policy) MarshalJSON() ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return json.Marshal(form(p), options())
}

// UnmarshalJSON reads a policy. It checks each field by itself; Load checks also
// that they fit together.
func (p *Policy) UnmarshalJSON(text []byte) error {
	f := form(*p)
	if err := json.Unmarshal(text, &f, options()); err != nil {
		return ofField(text, err)
	}
	if err := refuseMisleading(text); err != nil {
		return err
	}
	*p = Policy(f)
	return nil
}

// mustNotBeZero are fields whose 0 would mean the default.
var mustNotBeZero = []string{"attempts", "max_hedges", "hedge_percentile", "backoff.seed",
	"budget.per_second", "budget.in_flight", "breaker.failures", "breaker.ratio", "breaker.min_attempts"}

// refuseMisleading returns an error for null, for a 0 that would mean the default,
// and for a budget that would limit nothing or a breaker that would refuse nothing.
func refuseMisleading(text []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	has := make(map[string]bool)
	for {
		token, err := d.ReadToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		field := path(d.StackPointer())
		zero := false
		if token.Kind() == '0' {
			number, _ := token.Float()
			zero = number == 0
		}
		switch {
		case token.Kind() == 'n':
			return invalid(field, "null")
		case zero && slices.Contains(mustNotBeZero, field):
			return invalid(field, "0")
		}
		has[field] = has[field] || token.Kind() == '{' || token.Kind() == '0' && !zero
	}
	switch {
	case has["budget"] && !has["budget.ratio"] && !has["budget.per_second"] && !has["budget.in_flight"]:
		return errNoBudget
	case has["breaker"] && !has["breaker.failures"] && !has["breaker.ratio"]:
		return errNoBreaker
	}
	return nil
}

// Load reads a policy from JSON. Its error says where in the text it is wrong, names the
// field that is unknown or has an invalid value, and says what it may be.
func Load(text []byte) (*Policy, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) // a byte order mark, as some editors on Windows write
	if jsontext.Value(bytes.TrimSpace(text)).Kind() != '{' {
		return nil, errors.New("a policy must be a JSON object")
	}
	var p Policy
	if err := json.Unmarshal(text, &p); err != nil {
		var semantic *json.SemanticError // says where the policy is in text, which holds nothing else
		if errors.As(err, &semantic) && semantic.Err != nil {
			err = semantic.Err
		}
		return nil, located(text, err)
	}
	if err := p.Validate(); err != nil {
		return nil, located(text, err)
	}
	return &p, nil
}

// path turns a JSON pointer into the path of a field.
func path(p jsontext.Pointer) string {
	return strings.ReplaceAll(strings.TrimPrefix(string(p), "/"), "/", ".")
}

// ofField turns an error of the JSON package, which is about Go types, into one
// about a field of the policy in text.
func ofField(text []byte, err error) error {
	var semantic *json.SemanticError
	if !errors.As(err, &semantic) {
		return err
	}
	field := path(semantic.JSONPointer)
	switch {
	case errors.Is(err, json.ErrUnknownName):
		return wrong(field, "unknown field; %s", known(field))
	case rule(field) == "":
		return err
	}
	return invalid(field, string(valueAt(text, semantic.JSONPointer)))
}

// valueAt returns the value that a pointer into text points at.
func valueAt(text jsontext.Value, at jsontext.Pointer) jsontext.Value {
	for token := range at.Tokens() {
		var object map[string]jsontext.Value
		var array []jsontext.Value
		if json.Unmarshal(text, &object) == nil {
			text = object[token]
		} else if i, err := strconv.Atoi(token); err == nil && json.Unmarshal(text, &array) == nil && i < len(array) {
			text = array[i]
		}
	}
	return text
}

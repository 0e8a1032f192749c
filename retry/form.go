package retry

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The JSON form of a policy: members as the fields' tags name them, durations as
// Go writes them ("500ms"). What is left out is the default, and what is there
// has to mean something: an explicit 0 that stood for a default would mislead.

// form is a Policy without its methods, so that they are not called again.
type form Policy

// durations is made when it is first needed, which most nodes never do.
var durations = sync.OnceValue(func() json.Options {
	return json.JoinOptions(
		json.RejectUnknownMembers(true),
		json.WithUnmarshalers(json.UnmarshalFromFunc(readDuration)),
		json.WithMarshalers(json.MarshalToFunc(func(to *jsontext.Encoder, d time.Duration) error {
			return to.WriteToken(jsontext.String(d.String()))
		})),
	)
})

// readDuration reads one that is over 0: none of a policy's may be 0.
func readDuration(from *jsontext.Decoder, d *time.Duration) error {
	value, err := from.ReadValue()
	var text string
	if value.Kind() == '"' {
		err = json.Unmarshal(value, &text)
	}
	*d, _ = time.ParseDuration(text)
	if err != nil || *d <= 0 {
		return fmt.Errorf("%s is no duration over 0s, such as \"500ms\"", value)
	}
	return nil
}

// MarshalJSON writes what Load reads.
func (p Policy) MarshalJSON() ([]byte, error) { return json.Marshal(form(p), durations()) }

// UnmarshalJSON reads a policy; Load does so, too, and makes sure that it is one
// that can be.
func (p *Policy) UnmarshalJSON(text []byte) error {
	f := form(*p)
	if err := json.Unmarshal(text, &f, durations()); err != nil {
		return fieldError(err)
	}
	if err := explicitZero(text); err != nil {
		return err
	}
	*p = Policy(f)
	return nil
}

// explicitZero is an error if the attempts are said to be 0, or a budget to be
// nothing: whoever writes that wants no retry, and would get the default.
func explicitZero(text []byte) error {
	var said struct {
		Attempts *int    `json:"attempts"`
		Budget   *Budget `json:"budget"`
	}
	err := json.Unmarshal(text, &said)
	switch {
	case err != nil:
		return err
	case said.Attempts != nil && *said.Attempts == 0:
		return errors.New("attempts: 0 is not at least 1")
	case said.Budget != nil && !said.Budget.on():
		return errors.New("budget: neither ratio nor per_second is over 0; for no retries at all, attempts is 1")
	}
	return nil
}

// Load reads a policy from JSON. Its error names the field that is unknown or has
// an impossible value.
func Load(text []byte) (*Policy, error) {
	var p Policy
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) // some editors on Windows put it there
	if jsontext.Value(bytes.TrimSpace(text)).Kind() != '{' {
		return nil, errors.New("a policy is a JSON object")
	}
	if err := json.Unmarshal(text, &p); err != nil {
		var semantic *json.SemanticError // says where in the file, which has only this policy
		if errors.As(err, &semantic) && semantic.Err != nil {
			err = semantic.Err
		}
		return nil, fieldError(err)
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return &p, nil
}

// fieldError tells of the field what the JSON library tells of a Go type.
func fieldError(err error) error {
	var semantic *json.SemanticError
	if !errors.As(err, &semantic) {
		return err
	}
	field := strings.ReplaceAll(strings.TrimPrefix(string(semantic.JSONPointer), "/"), "/", ".")
	switch {
	case field == "":
		return err
	case errors.Is(err, json.ErrUnknownName):
		return fmt.Errorf("%s: a policy has no such field", field)
	case semantic.Err != nil && !errors.Is(err, strconv.ErrSyntax) && !errors.Is(err, strconv.ErrRange):
		return fmt.Errorf("%s: %w", field, semantic.Err)
	}
	if semantic.JSONValue != nil {
		return fmt.Errorf("%s: %s is not what belongs here", field, semantic.JSONValue)
	}
	return fmt.Errorf("%s: a %v is not what belongs here", field, semantic.JSONKind)
}

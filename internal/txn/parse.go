package txn

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// kinds are the names of the kinds of operations in messages.
var kinds = map[string]Kind{"r": Read, "append": Append, "w": Write}

// Parse reads operations as messages carry them:
//
//	[["r",1,[8]],["append",1,6],["w",2,9],["r",3,null],["r",2,9]]
//
// The value of a read is null or an empty list if there is none.
func Parse(text jsontext.Value) ([]Op, error) {
	var parts [][]jsontext.Value
	if err := json.Unmarshal(text, &parts); err != nil {
		return nil, errors.New("a transaction must be an array of arrays")
	}
	ops := make([]Op, len(parts))
	for i, p := range parts {
		op, err := parseOp(p)
		if err != nil {
			return nil, fmt.Errorf("operation %d: %w", i+1, err)
		}
		ops[i] = op
	}
	return ops, nil
}

func parseOp(p []jsontext.Value) (op Op, err error) {
	var name string
	if len(p) != 3 || json.Unmarshal(p[0], &name) != nil {
		return op, errors.New("must have a name, a key and a value")
	}
	kind, ok := kinds[name]
	if !ok {
		return op, fmt.Errorf("%q is not r, append or w", name)
	}
	op.Kind = kind
	if op.Key, err = strconv.ParseInt(string(p[1]), 10, 64); err != nil {
		return op, fmt.Errorf("the key %s is not an integer", p[1])
	}
	switch {
	case kind != Read:
		if op.Value, err = strconv.ParseInt(string(p[2]), 10, 64); err != nil {
			return op, fmt.Errorf("the value %s is not an integer", p[2])
		}
	case p[2].Kind() == 'n':
	case p[2].Kind() == '[':
		if json.Unmarshal(p[2], &op.Read) != nil {
			return op, fmt.Errorf("the value of key %d is not a list of integers", op.Key)
		}
	default:
		n, err := strconv.ParseInt(string(p[2]), 10, 64)
		if err != nil {
			return op, fmt.Errorf("the value %s of key %d is not an integer", p[2], op.Key)
		}
		op.Read = []int64{n}
	}
	return op, nil
}

// Differs says how the operations of a reply differ from those that were asked for, except in
// what was read; "" if they do not. list tells whether reads return lists.
func Differs(asked, got []Op, list bool) string {
	if len(got) != len(asked) {
		return fmt.Sprintf("it has %d operations, %d were asked for", len(got), len(asked))
	}
	for i, op := range got {
		if want := asked[i]; op.Kind != want.Kind || op.Key != want.Key || op.Value != want.Value {
			return fmt.Sprintf("operation %d is not the one that was asked for", i+1)
		}
		if !list && len(op.Read) > 1 {
			return fmt.Sprintf("operation %d read a list", i+1)
		}
	}
	return ""
}

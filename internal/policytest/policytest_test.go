package policytest

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/retry"
)

// Any draws every field of a policy that has a JSON form.
func TestEveryFieldIsDrawn(t *testing.T) {
	var missing []string
	for field := range reflect.TypeFor[retry.Policy]().Fields() {
		if field.Tag.Get("json") != "-" {
			missing = append(missing, field.Name)
		}
	}
	policies := rapid.Custom(Any)
	for seed := 0; seed < 1000 && len(missing) > 0; seed++ {
		p := reflect.ValueOf(policies.Example(seed)).Elem()
		missing = slices.DeleteFunc(missing, func(name string) bool { return !p.FieldByName(name).IsZero() })
	}
	if len(missing) > 0 {
		t.Errorf("no policy has %q", missing)
	}
}

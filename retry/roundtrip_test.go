package retry_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/policytest"
	"github.com/eddyrpc/eddy/retry"
)

// A policy that is written and read again is the same.
func TestPolicySurvivesJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policytest.Any(t)
		if err := p.Validate(); err != nil {
			t.Skip(err)
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := retry.Load(text)
		if err != nil || !reflect.DeepEqual(again, p) {
			t.Fatalf("%s became %+v, %v", text, again, err)
		}
	})
}

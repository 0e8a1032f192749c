package txn

import (
	"slices"
	"strings"
	"testing"
)

func TestParseModels(t *testing.T) {
	for list, want := range map[string][]Model{
		"strict-serializable":                   {StrictSerializable},
		"serializable,read-committed":           {"serializable", "read-committed"},
		"PL-2 , PL-SI":                          {"read-committed", "snapshot-isolation"},
		":snapshot-isolation":                   {"snapshot-isolation"},
		"strong-session-PL-2":                   {"strong-session-read-committed"},
		"strong-serializable, cursor-stability": {StrictSerializable, "cursor-stability"},
	} {
		if got, err := ParseModels(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", list, got, err)
		}
	}
	for list, nearest := range map[string]string{
		"serialisable":              "serializable",
		"strict-serializable,causl": "causal",
		"snapshot":                  "snapshot-isolation",
		"strict":                    "strict-serializable",
		"read":                      "read-atomic",
		"":                          "1SR",
	} {
		if _, err := ParseModels(list); err == nil || !strings.Contains(err.Error(), `nearest is "`+nearest+`"`) {
			t.Errorf("%q: %v", list, err)
		}
	}
}

// Every model that is named has an entry of its own, and no model is weaker than itself.
func TestModels(t *testing.T) {
	for m, all := range weaker {
		for _, w := range all {
			if _, ok := weaker[w]; !ok {
				t.Errorf("%s: %s is not known", m, w)
			}
			if withWeaker(w)[m] {
				t.Errorf("%s is weaker than itself", m)
			}
		}
	}
	for name, m := range otherNames {
		if _, ok := weaker[m]; !ok {
			t.Errorf("%s: %s is not known", name, m)
		}
	}
	for m := range forbids {
		if _, ok := weaker[m]; !ok {
			t.Errorf("%s is not known", m)
		}
	}
}

func TestBoundary(t *testing.T) {
	for _, tt := range []struct {
		found        []Anomaly
		held, broken []Model
	}{
		{nil, []Model{"strict-serializable"}, nil},
		{[]Anomaly{GSingle + "-realtime"}, []Model{"strong-read-committed", "strong-session-serializable"}, []Model{"strong-snapshot-isolation"}},
		{[]Anomaly{G2}, []Model{"strong-snapshot-isolation", "update-serializable"}, []Model{"repeatable-read"}},
		{[]Anomaly{LostUpdate}, []Model{"monotonic-view", "strong-read-committed"}, []Model{"cursor-stability", "update-atomic"}},
		{[]Anomaly{G1a}, []Model{"strong-read-uncommitted"}, []Model{"read-committed"}},
		{[]Anomaly{G0}, nil, []Model{"read-uncommitted"}},
	} {
		held, broken := Boundary(tt.found)
		if !slices.Equal(broken, tt.broken) {
			t.Errorf("%v: broken %v, want %v", tt.found, broken, tt.broken)
		}
		for _, m := range tt.held {
			if !slices.Contains(held, m) {
				t.Errorf("%v: held %v lacks %s", tt.found, held, m)
			}
		}
		if len(tt.held) == 0 && len(held) > 0 {
			t.Errorf("%v: held %v", tt.found, held)
		}
	}
}

// What forbids an anomaly, as the literature has it.
func TestForbidden(t *testing.T) {
	for _, tt := range []struct {
		anomaly Anomaly
		weakest Model
		allowed Model
	}{
		{G0, "read-uncommitted", "linearizable"},
		{G1a, "read-committed", "read-uncommitted"},
		{G1c, "read-committed", "read-uncommitted"},
		{Internal, "read-atomic", "repeatable-read"},
		{LostUpdate, "cursor-stability", "read-committed"},
		{GSingle, "consistent-view", "cursor-stability"},
		{GNonadjacent, "snapshot-isolation", "consistent-view"},
		{G2, "repeatable-read", "snapshot-isolation"},
		{G2 + "-realtime", StrictSerializable, "serializable"},
		{G2 + "-process", "strong-session-serializable", "serializable"},
	} {
		if !Forbidden([]Model{tt.weakest}, tt.anomaly) || Forbidden([]Model{tt.allowed}, tt.anomaly) || !Forbidden(strict, tt.anomaly) {
			t.Errorf("%+v", tt)
		}
	}
}

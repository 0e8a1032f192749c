package identity

import (
	"slices"
	"testing"
)

func TestRead(t *testing.T) {
	const (
		badID  = "node_id must be a string that is not empty"
		badIDs = "node_ids must be an array of strings"
	)
	for _, test := range []struct {
		body string
		want Identity
		err  string
	}{
		{`{"type":"init","node_id":"n1","node_ids":["n1","n2"]}`, Identity{"n1", []string{"n1", "n2"}}, ""},
		{`{"node_ids":[],"node_id":"\u006e1"}`, Identity{"n1", nil}, ""},
		{`{"node_ids":["n1"]}`, Identity{}, badID},
		{`{"node_id":"","node_ids":["n1"]}`, Identity{}, badID},
		{`{"node_id":1,"node_ids":["n1"]}`, Identity{}, badID},
		{`{"node_id":null,"node_ids":["n1"]}`, Identity{}, badID},
		{`{"node_id":"n1"}`, Identity{}, badIDs},
		{`{"node_id":"n1","node_ids":"n1"}`, Identity{}, badIDs},
		{`{"node_id":"n1","node_ids":["n1",2]}`, Identity{}, badIDs},
	} {
		got, err := Read([]byte(test.body))
		switch {
		case test.err != "":
			if err == nil || err.Error() != test.err {
				t.Errorf("%s: %v, want %s", test.body, err, test.err)
			}
		case err != nil:
			t.Errorf("%s: %v", test.body, err)
		case got.ID != test.want.ID || !slices.Equal(got.IDs, test.want.IDs):
			t.Errorf("%s: %+v, want %+v", test.body, got, test.want)
		}
	}
}

func TestEqual(t *testing.T) {
	a := &Identity{"n1", []string{"n1", "n2"}}
	for _, test := range []struct {
		other Identity
		want  bool
	}{
		{Identity{"n1", []string{"n1", "n2"}}, true},
		{Identity{"n2", []string{"n1", "n2"}}, false},
		{Identity{"n1", []string{"n2", "n1"}}, false},
		{Identity{"n1", nil}, false},
	} {
		if got := a.Equal(&test.other); got != test.want {
			t.Errorf("%+v: %v", test.other, got)
		}
	}
}

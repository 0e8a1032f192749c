package workload

import (
	"reflect"
	"testing"
)

// The neighbours are those of Maelstrom, also of very few nodes.
func TestTopology(t *testing.T) {
	for _, tt := range []struct {
		name  string
		nodes []string
		want  map[string][]string
	}{
		{"line", []string{"a"}, map[string][]string{}},
		{"grid", []string{"a"}, map[string][]string{"a": {}}},
		{"line", []string{"a", "b", "c"}, map[string][]string{"a": {"b"}, "b": {"a", "c"}, "c": {"b"}}},
		{"grid", []string{"a", "b", "c", "d"}, map[string][]string{"a": {"b", "c"}, "b": {"a", "d"}, "c": {"a", "d"}, "d": {"c", "b"}}},
		{"tree", []string{"a", "b", "c", "d"}, map[string][]string{"a": {"b", "c"}, "b": {"a", "d"}, "c": {"a"}, "d": {"b"}}},
		{"tree3", []string{"a", "b", "c", "d"}, map[string][]string{"a": {"b", "c", "d"}, "b": {"a"}, "c": {"a"}, "d": {"a"}}},
		{"total", []string{"a", "b", "c"}, map[string][]string{"a": {"b", "c"}, "b": {"a", "c"}, "c": {"a", "b"}}},
	} {
		if got := Topology(tt.name, tt.nodes); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s of %v: %v, want %v", tt.name, tt.nodes, got, tt.want)
		}
	}
}

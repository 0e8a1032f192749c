package names

import (
	"slices"
	"testing"
)

func TestTable(t *testing.T) {
	var table Table
	if _, ok := table.Find("a"); ok || table.Len() != 0 {
		t.Error("an empty table has a name")
	}
	for _, test := range []struct {
		name string
		want uint32
	}{{"a", 0}, {"", 1}, {"a", 0}, {"b", 2}, {"", 1}} {
		if got := table.Number(test.name); got != test.want || table.Name(got) != test.name {
			t.Errorf("%q has number %d, want %d", test.name, got, test.want)
		}
	}
	if n, ok := table.Find("b"); n != 2 || !ok {
		t.Errorf("b is found as %d, %v", n, ok)
	}
	if !slices.Equal(table.Names(), []string{"a", "", "b"}) || table.Len() != 3 {
		t.Errorf("the names are %q", table.Names())
	}
}

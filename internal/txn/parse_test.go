package txn

import (
	"reflect"
	"testing"
)

func TestParse(t *testing.T) {
	got, err := Parse([]byte(`[["r",1,[8,9]],["append",1,6],["w",2,9],["r",3,null],["r",2,9],["r",4,[]]]`))
	want := []Op{
		{Kind: Read, Key: 1, Read: []int64{8, 9}}, {Kind: Append, Key: 1, Value: 6}, {Kind: Write, Key: 2, Value: 9},
		{Kind: Read, Key: 3}, {Kind: Read, Key: 2, Read: []int64{9}}, {Kind: Read, Key: 4, Read: []int64{}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, text := range []string{
		`{}`, `null1`, `[1]`, `[[]]`, `[["r",1]]`, `[["x",1,2]]`, `[[1,1,2]]`, `[["r","1",null]]`,
		`[["append",1,null]]`, `[["append",1,1.5]]`, `[["r",1,"a"]]`, `[["r",1,[1,"a"]]]`, `[["r",1,[1.5]]]`, `[["r",1,true]]`,
	} {
		if ops, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: %+v", text, ops)
		}
	}
}

func TestDiffers(t *testing.T) {
	asked := []Op{{Kind: Read, Key: 1}, {Kind: Append, Key: 1, Value: 2}}
	for _, tt := range []struct {
		got  []Op
		same bool
	}{
		{[]Op{{Kind: Read, Key: 1, Read: []int64{1}}, {Kind: Append, Key: 1, Value: 2}}, true},
		{[]Op{{Kind: Read, Key: 1}}, false},
		{[]Op{{Kind: Append, Key: 1, Value: 2}, {Kind: Read, Key: 1}}, false},
		{[]Op{{Kind: Read, Key: 2}, {Kind: Append, Key: 1, Value: 2}}, false},
		{[]Op{{Kind: Read, Key: 1}, {Kind: Append, Key: 1, Value: 3}}, false},
	} {
		if got := Differs(asked, tt.got, true); (got == "") != tt.same {
			t.Errorf("%+v: %s", tt.got, got)
		}
	}
	if Differs([]Op{{}}, []Op{{Read: []int64{1, 2}}}, false) == "" {
		t.Error("a list is no value of a register")
	}
}

package wire

import "testing"

func TestMember(t *testing.T) {
	for _, tt := range []struct{ raw, name, want string }{
		{`{"a":1}`, "a", `1`},
		{`{"a":1}`, "b", ``},
		{`{"a":1}`, "", ``},
		{`{"":2}`, "", `2`},
		{`{ }`, "a", ``},
		{" { \"a\" :\t{ \"b\" : [ ] } , \"c\" : \"x, \\\"\" } ", "a", `{ "b" : [ ] }`},
		{" { \"a\" :\t{ \"b\" : [ ] } , \"c\" : \"x, \\\"\" } ", "b", ``},
		{" { \"a\" :\t{ \"b\" : [ ] } , \"c\" : \"x, \\\"\" } ", "c", `"x, \""`},
		{`{"a":1,"b":2,"a":3}`, "a", `3`},
		{`{"a":1,"\u0061":null}`, "a", `null`},
		{`{"a\"":1e400}`, `a"`, `1e400`},
		{`{"a":` + nested(999) + `}`, "a", nested(999)},
		{`null`, "a", ``},
		{`[{"a":1}]`, "a", ``},
		{`"a"`, "a", ``},
		{``, "a", ``},
		// These are not JSON. Member does not panic.
		{`{"a"`, "a", ``},
		{`{"a":`, "a", ``},
		{`{"a":1`, "a", `1`},
		{`{a:1}`, "a", ``},
	} {
		got := Member([]byte(tt.raw), tt.name)
		if string(got) != tt.want || (got == nil) != (tt.want == "") {
			t.Errorf("%.60s of %.60s: got %.60q, want %.60q", tt.name, tt.raw, got, tt.want)
		}
	}
}

func TestMembers(t *testing.T) {
	for raw, want := range map[string]string{
		`{}`: ``,
		` { "a" : 1 , "\u0062":[2] ,"a":{"c":3}} `: `a=1 b=[2] a={"c":3} `,
		`[{"a":1}]`:    ``,
		`{"a":1,"b":}`: `a=1 `,
	} {
		var got string
		for name, value := range Members([]byte(raw)) {
			got += string(name) + "=" + string(value) + " "
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
	}
	for name := range Members([]byte(`{"a":1,"b":2}`)) {
		if string(name) != "a" {
			t.Errorf("%s after the end of the loop", name)
		}
		break
	}
}

func TestWithout(t *testing.T) {
	for raw, want := range map[string]string{
		`{}`:      `{}`,
		`{"a":1}`: `{}`,
		`{"c":3}`: `{"c":3}`,
		` { "a" : 1 , "c" : {"a":1} , "\u0062" : 2 , "a" : 4, "d":5 } `: `{"c" : {"a":1},"d":5}`,
	} {
		if got := string(Without([]byte(raw), "a", "b")); got != want {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
	}
}

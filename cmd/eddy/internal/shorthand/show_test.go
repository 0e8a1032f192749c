package shorthand

import (
	"testing"

	"github.com/eddyrpc/eddy/internal/message"
)

func TestShow(t *testing.T) {
	for _, test := range []struct{ object, want string }{
		{`{}`, ``},
		{`{"a":1,"b":"x"}`, `a=1 b=x`},
		{`{"a":"1","b":"null","c":"","d":"x y","e":"[","f":"a=b","g":"http://h/?a=b"}`,
			`a="1" b="null" c="" d="x y" e="[" f="a=b" g=http://h/?a=b`},
		{`{"n":12345678901234567890123,"f":1.50,"e":1E400}`, `n=12345678901234567890123 f=1.50 e=1E400`},
		{`{"o" : { "b" : [ 1, "x y" ], "a" : null } }`, `o={"b":[1,"x y"],"a":null}`},
		{`{"a":1,"a":2}`, `a=1 a=2`},
		{`{"é":"→"}`, `é=→`},
		{`{"esc":"\u001b[31m","del":"` + "\x7f" + `","bidi":"` + "\u202e" + `","tag":"` + "\U000E0041" + `"}`,
			`esc="\u001b[31m" del="\u007f" bidi="\u202e" tag="\udb40\udc41"`},
		{`{"a b":1,"c=":2}`, `"a b"=1 "c="=2`},
	} {
		fields, err := message.Fields([]byte(test.object))
		if err != nil {
			t.Errorf("%s: %v", test.object, err)
			continue
		}
		if got := Show(fields); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.object, got, test.want)
		}
	}
}

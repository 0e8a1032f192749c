package wire

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// oldEnd is stringEnd byte by byte.
func oldEnd(line []byte, i int) int {
	for i++; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(line)
}

// oldSpaced is AppendValue byte by byte.
func oldSpaced(raw []byte) (out []byte) {
	for i := 0; i < len(raw); {
		if raw[i] == '"' {
			end := oldEnd(raw, i)
			out = append(out, raw[i:end]...)
			i = end
			continue
		}
		if raw[i] > ' ' {
			out = append(out, raw[i])
		}
		if raw[i] == ',' || raw[i] == ':' {
			out = append(out, ' ')
		}
		i++
	}
	return out
}

// The end of any string, valid or not, is the same by words as by bytes.
func TestStringEndByWords(t *testing.T) {
	const odd = "\"\\\"\\\\#]!\x5d\x21\xa2\xdc\x00\x80 ax"
	for range 2_000_000 {
		line := make([]byte, 1+rand.IntN(40))
		few := 1 + rand.IntN(len(odd))
		for i := range line {
			line[i] = odd[len(odd)-1-rand.IntN(few)]
		}
		i := rand.IntN(len(line))
		if got, want := stringEnd(line, i), oldEnd(line, i); got != want {
			t.Fatalf("%q from %d: %d, want %d", line, i, got, want)
		}
	}
}

func randomValue(b *bytes.Buffer, depth int) {
	blank := func() {
		for rand.IntN(6) == 0 {
			b.WriteByte(" \t\r\n"[rand.IntN(4)])
		}
	}
	text := func() {
		b.WriteByte('"')
		for range rand.IntN(20) * rand.IntN(2) {
			b.WriteString([]string{"a", ",", ":", `\"`, `\\`, `\u005c`, "é", "\x7f", "#", "]", " ", "{"}[rand.IntN(12)])
		}
		b.WriteByte('"')
	}
	blank()
	defer blank()
	switch kind := rand.IntN(7); {
	case kind == 0 && depth < 5:
		b.WriteByte('{')
		blank()
		for i := range rand.IntN(5) {
			if i > 0 {
				b.WriteByte(',')
				blank()
			}
			text()
			blank()
			b.WriteByte(':')
			randomValue(b, depth+1)
		}
		b.WriteByte('}')
	case kind == 1 && depth < 5:
		b.WriteByte('[')
		blank()
		for i := range rand.IntN(9) {
			if i > 0 {
				b.WriteByte(',')
			}
			randomValue(b, depth+1)
		}
		b.WriteByte(']')
	case kind < 4:
		text()
	default:
		b.WriteString([]string{"1", "0", "-12e+5", "null", "true"}[rand.IntN(5)])
	}
}

// Spaced text is the same as byte by byte, whatever stands in the buffer before, and
// nothing that was there is changed.
func TestSpacedByWords(t *testing.T) {
	d := Dialect{Spaced: true}
	for range 500_000 {
		var b bytes.Buffer
		randomValue(&b, 0)
		raw := bytes.Trim(b.Bytes(), " \t\r\n")
		if len(raw) > 1 && (raw[0] == '{' || raw[0] == '[') && rand.IntN(2) == 0 {
			raw = trimCommas(raw[1 : len(raw)-1]) // as a part
		}
		raw = bytes.Clone(raw)[:len(raw):len(raw)]
		dst := append(make([]byte, 0, rand.IntN(64)+4), "keep"...)
		got := d.AppendValue(dst, raw)
		if want := "keep" + string(oldSpaced(raw)); string(got) != want {
			t.Fatalf("%q:\ngot  %q\nwant %q", raw, got, want)
		}
	}
	for _, s := range []string{"", "1", strings.Repeat("1,", 5000) + "1", strings.Repeat(`"":1,`, 2000) + `"":1`, strings.Repeat(`"",`, 300) + `""`} {
		if got := d.AppendValue(nil, []byte(s)); !bytes.Equal(got, oldSpaced([]byte(s))) {
			t.Errorf("%.20q differs", s)
		}
	}
}

// Whatever a line is, a body that is accepted can be written in every dialect, and what
// is salvaged of a line never panics.
func FuzzAnyLine(f *testing.F) {
	f.Add([]byte(`{"src":"a","dest":"b","body":{"type":"x","msg_id":1,"a":[1,2],"b":"\\\""}}`))
	f.Add([]byte(`{"type":"x","msg_id":1,"msg_id":2,"a":1,,}`))
	f.Add([]byte(`{"a":"\`))
	f.Fuzz(func(t *testing.T, line []byte) {
		SalvageLine(line)
		stringEnd(line, 0)
		var m Message
		d := Dialect{Spaced: true}
		if d.Scan(&m, line) == nil {
			writesAgain(t, d, &m.Body)
		}
		if b, err := ReadBody(line); err == nil && b.Type != nil {
			writesAgain(t, d, &b)
		}
	})
}

func writesAgain(t *testing.T, d Dialect, b *Body) {
	got := d.AppendFields(nil, "", b)
	again, err := ReadBody(append(append([]byte("{"), got...), '}'))
	if err != nil || !reflect.DeepEqual(again.Type, b.Type) {
		t.Fatalf("%q becomes %q: %v", b.Raw, got, err)
	}
	if !bytes.Equal(got, oldSpaced(Dialect{}.AppendFields(nil, "", b))) {
		t.Fatalf("%q becomes %q", b.Raw, got)
	}
}

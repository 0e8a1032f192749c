package sim

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func file(string) ([]byte, error) { return []byte("30ms\n10 # ms\n\n20ms\n"), nil }

func TestParseDist(t *testing.T) {
	for _, c := range []struct {
		text, name      string
		least, mid, top time.Duration
	}{
		{"constant:50ms", "constant:50ms", 50 * ms, 50 * ms, 50 * ms},
		{"50ms", "constant:50ms", 50 * ms, 50 * ms, 50 * ms},
		{"50", "constant:50ms", 50 * ms, 50 * ms, 50 * ms},
		{"0", "constant:0s", 0, 0, 0},
		{"uniform:0ms-100ms", "uniform:0s-100ms", 0, 50 * ms, 99900 * time.Microsecond},
		{"uniform:20-40", "uniform:20ms-40ms", 20 * ms, 30 * ms, 39980 * time.Microsecond},
		{"lognormal:50ms,0.5", "lognormal:50ms,0.5", 0, 50 * time.Millisecond, 234426 * time.Microsecond},
		{"exponential:50ms", "exponential:50ms", 0, 34657 * time.Microsecond, 345388 * time.Microsecond},
		{"file:lan", "file:lan", 10 * ms, 20 * ms, 29980 * time.Microsecond},
	} {
		d, err := ParseDist(c.text, file)
		if err != nil {
			t.Error(err)
			continue
		}
		if d.String() != c.name {
			t.Errorf("%s is shown as %s", c.text, d)
		}
		got := [3]time.Duration{d.At(0), d.At(0.5).Truncate(time.Microsecond), d.Longest().Round(time.Microsecond)}
		if got != [3]time.Duration{c.least, c.mid, c.top} {
			t.Errorf("%s: %v", c.text, got)
		}
	}
}

func TestParseDistErrors(t *testing.T) {
	broken := func(string) ([]byte, error) { return nil, errors.New("gone") }
	for _, c := range []struct {
		text string
		read func(string) ([]byte, error)
		want string
	}{
		{"lognormal:5ms", file, "lognormal:MEDIAN,SIGMA"},
		{"lognormal:5ms,-1", file, "lognormal:MEDIAN,SIGMA"},
		{"lognormal:5ms,x", file, "lognormal:MEDIAN,SIGMA"},
		{"lognormal:-5ms,1", file, "lognormal:MEDIAN,SIGMA"},
		{"normal:5ms", file, "constant:, exponential:, uniform:, lognormal: or file:"},
		{"constant:5parsecs", file, "5parsecs"},
		{"exponential:-5ms", file, "from 0 to 1 hour"},
		{"NaN", file, "from 0 to 1 hour"},
		{"1e300", file, "from 0 to 1 hour"},
		{"uniform:100ms-0ms", file, "uniform:LOW-HIGH"},
		{"uniform:100ms", file, "uniform:LOW-HIGH"},
		{"file:lan", nil, "not allowed here"},
		{"file:lan", broken, "gone"},
		{"file:lan", func(string) ([]byte, error) { return []byte("# none\n"), nil }, "has no latencies"},
		{"file:lan", func(string) ([]byte, error) { return []byte("1\nx\n"), nil }, "lan:2"},
	} {
		if _, err := ParseDist(c.text, c.read); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.text, err, c.want)
		}
	}
}

func TestMaelstromDist(t *testing.T) {
	for name, want := range map[string]string{
		"": "constant:50ms", "constant": "constant:50ms", "uniform": "uniform:0s-100ms", "exponential": "exponential:50ms",
	} {
		if d, err := MaelstromDist(50, name); err != nil || d.String() != want {
			t.Errorf("%q: %v, %v", name, d, err)
		}
	}
	if _, err := MaelstromDist(50, "normal"); err == nil {
		t.Error("normal: no error")
	}
	if _, err := MaelstromDist(-1, ""); err == nil {
		t.Error("a negative latency: no error")
	}
}

func TestQuantilesGrow(t *testing.T) {
	measured, _ := ParseDist("file:lan", file)
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SampledFrom([]Dist{{}, Constant(ms), Uniform(ms, 9*ms), Exponential(5 * ms), measured}).Draw(t, "dist")
		u := rapid.Float64Range(0, 0.999999).Draw(t, "u")
		v := rapid.Float64Range(u, 0.999999).Draw(t, "v")
		if a, b := d.At(u), d.At(v); a < 0 || b < a {
			t.Fatalf("%v: %v at %v, %v at %v", d, a, u, b, v)
		}
	})
}

func TestParseLink(t *testing.T) {
	l, c, err := ParseLink("n1:n2:loss=0.5,latency=uniform:0ms-10ms,duplicate=1", nil)
	if err != nil || l != (Link{"n1", "n2"}) || *c.Loss != 0.5 || *c.Duplicate != 1 || c.Latency.String() != "uniform:0s-10ms" {
		t.Errorf("%v %+v %v", l, c, err)
	}
	if _, c, _ := ParseLink("n1:n2:latency=200", nil); c.Latency.String() != "constant:200ms" || c.Loss != nil {
		t.Errorf("%+v", c)
	}
	for text, want := range map[string]string{
		"n1:n2":            "FROM:TO",
		":n2:loss=1":       "FROM:TO",
		"n1:n2:loss=2":     "from 0 to 1",
		"n1:n2:loss=NaN":   "from 0 to 1",
		"n1:n2:los=0.1":    `"los"`,
		"n1:n2:latency=-1": "from 0 to 1 hour",
	} {
		if _, _, err := ParseLink(text, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

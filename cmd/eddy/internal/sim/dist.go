package sim

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Dist is a distribution of latencies. Its zero value is no latency at all.
type Dist struct {
	kind   string // "" and constant, uniform, exponential, lognormal, file
	a, b   time.Duration
	sigma  float64
	path   string
	sorted []time.Duration // what a file measured
}

// Constant is always d.
func Constant(d time.Duration) Dist { return Dist{kind: "constant", a: d} }

// Uniform is anything from a to b.
func Uniform(a, b time.Duration) Dist { return Dist{kind: "uniform", a: a, b: b} }

// Exponential has the given mean.
func Exponential(mean time.Duration) Dist { return Dist{kind: "exponential", a: mean} }

// Lognormal has the given median, and sigma is the standard deviation of its
// logarithm: at 1, one in a hundred takes ten times the median.
func Lognormal(median time.Duration, sigma float64) Dist {
	return Dist{kind: "lognormal", a: median, sigma: sigma}
}

// At is the latency that a share u of all latencies is below; u is from 0 up to
// 1, 1 excluded. So a random u makes a random latency.
func (d Dist) At(u float64) time.Duration {
	switch d.kind {
	case "uniform":
		return d.a + time.Duration(u*float64(d.b-d.a))
	case "exponential":
		return time.Duration(-math.Log1p(-u) * float64(d.a))
	case "lognormal":
		z := math.Sqrt2 * math.Erfinv(2*u-1)
		return time.Duration(min(float64(d.a)*math.Exp(d.sigma*z), float64(maxLatency)))
	case "file":
		x := u * float64(len(d.sorted)-1)
		i := int(x)
		low, high := d.sorted[i], d.sorted[min(i+1, len(d.sorted)-1)]
		return low + time.Duration((x-float64(i))*float64(high-low))
	}
	return d.a
}

// Longest is what all but one latency in a thousand are below.
func (d Dist) Longest() time.Duration { return d.At(0.999) }

// IsZero reports whether there is never any latency.
func (d Dist) IsZero() bool { return d.a == 0 && d.b == 0 && d.sorted == nil }

// IsConstant reports whether every message takes the same time.
func (d Dist) IsConstant() bool { return d.kind == "" || d.kind == "constant" }

// String is the text that ParseDist reads.
func (d Dist) String() string {
	switch d.kind {
	case "uniform":
		return fmt.Sprintf("uniform:%v-%v", d.a, d.b)
	case "lognormal":
		return fmt.Sprintf("lognormal:%v,%v", d.a, d.sigma)
	case "file":
		return "file:" + d.path
	case "exponential":
		return fmt.Sprintf("exponential:%v", d.a)
	}
	return fmt.Sprintf("constant:%v", d.a)
}

// ParseDist reads one of
//
//	constant:50ms  exponential:50ms  uniform:0ms-100ms  lognormal:50ms,0.5
//	file:PATH  50ms  50
//
// where a number alone is in milliseconds and constant, and lognormal has a median
// and a sigma. A file has one latency
// a line, likewise; blank lines and what follows # are skipped. readFile may be
// nil, then there are no files.
func ParseDist(text string, readFile func(path string) ([]byte, error)) (Dist, error) {
	kind, value, ok := strings.Cut(text, ":")
	if !ok {
		kind, value = "constant", text
	}
	switch kind {
	case "constant", "exponential":
		mean, err := parseLatency(value)
		return Dist{kind: kind, a: mean}, err
	case "uniform":
		low, high, ok := strings.Cut(value, "-")
		a, err := parseLatency(low)
		b, err2 := parseLatency(high)
		if !ok || err != nil || err2 != nil || a > b {
			return Dist{}, fmt.Errorf("latency %q: want uniform:LOW-HIGH, such as uniform:0ms-100ms", text)
		}
		return Uniform(a, b), nil
	case "lognormal":
		return parseLognormal(text, value)
	case "file":
		if readFile == nil {
			return Dist{}, fmt.Errorf("latency %q: no file here", text)
		}
		content, err := readFile(value)
		if err != nil {
			return Dist{}, fmt.Errorf("latency %q: %w", text, err)
		}
		return parseMeasured(value, content)
	}
	return Dist{}, fmt.Errorf("latency %q: want one that begins with constant:, exponential:, uniform:, lognormal: or file: and its value", text)
}

func parseLognormal(text, value string) (Dist, error) {
	median, sigma, ok := strings.Cut(value, ",")
	a, err := parseLatency(median)
	s, err2 := strconv.ParseFloat(sigma, 64)
	if !ok || err != nil || err2 != nil || !(s >= 0 && s <= 10) {
		return Dist{}, fmt.Errorf("latency %q: want lognormal:MEDIAN,SIGMA, such as lognormal:50ms,0.5", text)
	}
	return Lognormal(a, s), nil
}

// MaelstromDist is the distribution that Maelstrom means by --latency MS
// --latency-dist NAME: uniform is from 0 to twice the mean.
func MaelstromDist(ms float64, name string) (Dist, error) {
	mean := time.Duration(ms * float64(time.Millisecond))
	switch {
	case !(ms >= 0 && ms <= float64(maxLatency/time.Millisecond)):
		return Dist{}, fmt.Errorf("latency %v: want milliseconds from 0 to an hour", ms)
	case name == "" || name == "constant":
		return Constant(mean), nil
	case name == "uniform":
		return Uniform(0, 2*mean), nil
	case name == "exponential":
		return Exponential(mean), nil
	}
	return Dist{}, fmt.Errorf("latency distribution %q: want constant, uniform or exponential", name)
}

const maxLatency = time.Hour

func parseLatency(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if ms, e := strconv.ParseFloat(text, 64); e == nil {
		d, err = time.Duration(ms*float64(time.Millisecond)), nil
		if !(ms >= 0 && ms <= float64(maxLatency/time.Millisecond)) {
			d = -1
		}
	}
	if err != nil || d < 0 || d > maxLatency {
		return 0, fmt.Errorf("latency %q: want a time from 0 to an hour, such as 50ms, or milliseconds", text)
	}
	return d, nil
}

func parseMeasured(path string, content []byte) (Dist, error) {
	d := Dist{kind: "file", path: path}
	lines := bufio.NewScanner(bytes.NewReader(content))
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		l, err := parseLatency(text)
		if err != nil {
			return Dist{}, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		d.sorted = append(d.sorted, l)
	}
	if err := lines.Err(); err != nil {
		return Dist{}, fmt.Errorf("%s: %w", path, err)
	}
	if len(d.sorted) == 0 {
		return Dist{}, fmt.Errorf("%s: no latencies in it", path)
	}
	slices.Sort(d.sorted)
	return d, nil
}

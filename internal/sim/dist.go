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

// A Dist is a distribution of latencies. Its zero value is always 0.
type Dist struct {
	kind   string // "" and constant, uniform, exponential, lognormal, file, trace
	a, b   time.Duration
	sigma  float64
	path   string
	sorted []time.Duration // the latencies of a file
}

// Constant returns the distribution that is always d.
func Constant(d time.Duration) Dist { return Dist{kind: "constant", a: d} }

// Uniform returns the uniform distribution from a to b.
func Uniform(a, b time.Duration) Dist { return Dist{kind: "uniform", a: a, b: b} }

// Exponential returns the exponential distribution with a mean.
func Exponential(mean time.Duration) Dist { return Dist{kind: "exponential", a: mean} }

// Lognormal returns the lognormal distribution with a median. Sigma is the
// standard deviation of the logarithm: with sigma 1, one latency in a hundred is
// more than ten times the median.
func Lognormal(median time.Duration, sigma float64) Dist {
	return Dist{kind: "lognormal", a: median, sigma: sigma}
}

// At returns the quantile u, which is in [0, 1): a share u of all latencies is
// smaller. A random u gives a random latency.
func (d Dist) At(u float64) time.Duration {
	switch d.kind {
	case "uniform":
		return d.a + time.Duration(u*float64(d.b-d.a))
	case "exponential":
		return time.Duration(-math.Log1p(-u) * float64(d.a))
	case "lognormal":
		z := math.Sqrt2 * math.Erfinv(2*u-1)
		return time.Duration(min(float64(d.a)*math.Exp(d.sigma*z), float64(maxLatency)))
	case "trace":
		return d.sorted[int(u*float64(len(d.sorted)))]
	case "file":
		x := u * float64(len(d.sorted)-1)
		i := int(x)
		low, high := d.sorted[i], d.sorted[min(i+1, len(d.sorted)-1)]
		return low + time.Duration((x-float64(i))*float64(high-low))
	}
	return d.a
}

// Longest returns the quantile 0.999.
func (d Dist) Longest() time.Duration { return d.At(0.999) }

// IsZero reports whether every latency is 0.
func (d Dist) IsZero() bool { return d.a == 0 && d.b == 0 && d.sorted == nil }

// IsConstant reports whether all latencies are equal.
func (d Dist) IsConstant() bool { return d.kind == "" || d.kind == "constant" }

// String returns the text that ParseDist parses.
func (d Dist) String() string {
	switch d.kind {
	case "uniform":
		return fmt.Sprintf("uniform:%v-%v", d.a, d.b)
	case "lognormal":
		return fmt.Sprintf("lognormal:%v,%v", d.a, d.sigma)
	case "file", "trace":
		return d.kind + ":" + d.path
	case "exponential":
		return fmt.Sprintf("exponential:%v", d.a)
	}
	return fmt.Sprintf("constant:%v", d.a)
}

// ParseDist parses one of
//
//	constant:50ms  exponential:50ms  uniform:0ms-100ms  lognormal:50ms,0.5
//	file:PATH  50ms  50
//
// A number without a unit is in milliseconds. A latency alone is constant.
// lognormal is followed by a median and sigma. A file has one latency per line;
// empty lines and the text after # are ignored. If readFile is nil, file: is an
// error.
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
			return Dist{}, fmt.Errorf("latency %q: must have the form uniform:LOW-HIGH, such as uniform:0ms-100ms", text)
		}
		return Uniform(a, b), nil
	case "lognormal":
		return parseLognormal(text, value)
	case "file":
		if readFile == nil {
			return Dist{}, fmt.Errorf("latency %q: a file is not allowed here", text)
		}
		content, err := readFile(value)
		if err != nil {
			return Dist{}, fmt.Errorf("latency %q: %w", text, err)
		}
		return parseMeasured(value, content)
	}
	return Dist{}, fmt.Errorf("latency %q: must begin with constant:, exponential:, uniform:, lognormal: or file: and have a value", text)
}

func parseLognormal(text, value string) (Dist, error) {
	median, sigma, ok := strings.Cut(value, ",")
	a, err := parseLatency(median)
	s, err2 := strconv.ParseFloat(sigma, 64)
	if !ok || err != nil || err2 != nil || !(s >= 0 && s <= 10) {
		return Dist{}, fmt.Errorf("latency %q: must have the form lognormal:MEDIAN,SIGMA, such as lognormal:50ms,0.5", text)
	}
	return Lognormal(a, s), nil
}

// MaelstromDist returns the distribution that Maelstrom uses with --latency MS
// --latency-dist NAME. Uniform is from 0 to twice the mean.
func MaelstromDist(ms float64, name string) (Dist, error) {
	mean := time.Duration(ms * float64(time.Millisecond))
	switch {
	case !(ms >= 0 && ms <= float64(maxLatency/time.Millisecond)):
		return Dist{}, fmt.Errorf("latency %v: must be milliseconds from 0 to 1 hour", ms)
	case name == "" || name == "constant":
		return Constant(mean), nil
	case name == "uniform":
		return Uniform(0, 2*mean), nil
	case name == "exponential":
		return Exponential(mean), nil
	}
	return Dist{}, fmt.Errorf("latency distribution %q: must be constant, uniform or exponential", name)
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
		return 0, fmt.Errorf("latency %q: must be a duration from 0 to 1 hour, such as 50ms, or a number of milliseconds", text)
	}
	return d, nil
}

// ParseTrace returns the distribution of measured latencies, one per line as in a file of
// ParseDist. Unlike there, no latency lies between two of them: each is one that occurred, as
// often as it did.
func ParseTrace(path string, content []byte) (Dist, error) {
	d, err := parseMeasured(path, content)
	d.kind = "trace"
	return d, err
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
		return Dist{}, fmt.Errorf("%s: the file has no latencies", path)
	}
	slices.Sort(d.sorted)
	return d, nil
}

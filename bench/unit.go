package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Unit says how the values of a metric are printed. They are stored in the base unit.
type Unit int

const (
	Count      Unit = iota
	PerSecond       // times per second
	Seconds         // printed as µs, ms or s
	Bytes           // printed as B or MB (10^6)
	Throughput      // bytes per second, printed as MB/s
	Times           // a factor
)

// Format returns three significant digits, or a dash for NaN.
func (u Unit) Format(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	size := math.Abs(v)
	switch u {
	case Seconds:
		switch {
		case size < 1e-3:
			return digits(v*1e6) + " µs"
		case size < 1:
			return digits(v*1e3) + " ms"
		}
		return digits(v) + " s"
	case Bytes:
		if size < 1e5 {
			return digits(v) + " B"
		}
		return digits(v/1e6) + " MB"
	case Throughput:
		return digits(v/1e6) + " MB/s"
	}
	return digits(v)
}

// digits returns v with three significant digits and commas between thousands.
func digits(v float64) string {
	if v == 0 {
		return "0"
	}
	magnitude := int(math.Floor(math.Log10(math.Abs(v))))
	if magnitude >= 3 {
		unit := math.Pow10(magnitude - 2)
		return thousands(int64(math.Round(v/unit) * unit))
	}
	text := strconv.FormatFloat(v, 'f', min(2-magnitude, 5), 64)
	if magnitude < 0 {
		text = strings.TrimRight(text, "0")
	}
	return text
}

func thousands(n int64) string {
	if n < 0 {
		return "-" + thousands(-n)
	}
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

package main

import (
	"math"
	"testing"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		u    Unit
		v    float64
		want string
	}{
		{PerSecond, 1234567, "1,230,000"},
		{PerSecond, 999, "999"},
		{PerSecond, 999.7, "1000"},
		{Seconds, 0.1834e-6, "0.183 µs"},
		{Seconds, 12.34e-6, "12.3 µs"},
		{Seconds, 0.0123, "12.3 ms"},
		{Seconds, 71.04, "71.0 s"},
		{Seconds, -0.00005, "-50.0 µs"},
		{Bytes, 157.3, "157 B"},
		{Bytes, 10600, "10,600 B"},
		{Bytes, 64e6, "64.0 MB"},
		{Throughput, 312e6, "312 MB/s"},
		{Times, 1.0 / 70, "0.0143"},
		{Times, 0.06, "0.06"},
		{Times, 35, "35.0"},
		{Count, 0, "0"},
		{Count, math.NaN(), "–"},
	} {
		if got := c.u.Format(c.v); got != c.want {
			t.Errorf("%v: %q, want %q", c.v, got, c.want)
		}
	}
}

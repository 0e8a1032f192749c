package main

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"testing"
)

// Colour-blind people can distinguish all things that differ only in colour: in the
// model of Machado, Oliveira and Fernandes (IEEE TVCG 2009) at full severity, two such
// colours differ by at least 20 in CIELAB, where 2.3 is just noticeable.
func TestColourBlind(t *testing.T) {
	text, err := os.ReadFile("src/page.css")
	if err != nil {
		t.Fatal(err)
	}
	sets := regexp.MustCompile(`:root\{[^}]*\}`).FindAllString(string(text), -1)
	if len(sets) != 2 {
		t.Fatalf("%d sets of colours, not light and dark", len(sets))
	}
	colour := func(set int, name string) [3]float64 {
		for s := set; s >= 0; s-- { // the dark set shares some of the light colours
			if m := regexp.MustCompile(`--` + name + `:#([0-9a-f]{6})`).FindStringSubmatch(sets[s]); m != nil {
				var r, g, b int
				fmt.Sscanf(m[1], "%02x%02x%02x", &r, &g, &b)
				return [3]float64{linear(r), linear(g), linear(b)}
			}
		}
		t.Fatalf("no colour %s", name)
		return [3]float64{}
	}
	for set, ground := range []string{"light", "dark"} {
		for _, pair := range [][2]string{{"request", "oneway"}, {"reply", "error"}, {"partition", "pause"}, {"ok", "failed"}} {
			for kind, m := range deficiencies {
				if d := apart(seen(colour(set, pair[0]), m), seen(colour(set, pair[1]), m)); d < 20 {
					t.Errorf("%s: %s and %s are %.0f apart for %s", ground, pair[0], pair[1], d, kind)
				}
			}
		}
	}
}

var deficiencies = map[string][3][3]float64{
	"nobody":       {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"protanopia":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"deuteranopia": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"tritanopia":   {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
}

func linear(v int) float64 {
	c := float64(v) / 255
	if c <= 0.04045 {
		return c / 12.92
	}
	return math.Pow((c+0.055)/1.055, 2.4)
}

func seen(c [3]float64, m [3][3]float64) (to [3]float64) {
	for i := range to {
		to[i] = math.Max(0, math.Min(1, m[i][0]*c[0]+m[i][1]*c[1]+m[i][2]*c[2]))
	}
	return to
}

// apart returns the distance of two linear RGB colours in CIELAB (CIE76).
func apart(a, b [3]float64) float64 {
	p, q := lab(a), lab(b)
	return math.Sqrt((p[0]-q[0])*(p[0]-q[0]) + (p[1]-q[1])*(p[1]-q[1]) + (p[2]-q[2])*(p[2]-q[2]))
}

func lab(c [3]float64) [3]float64 {
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	x := f((0.4124*c[0] + 0.3576*c[1] + 0.1805*c[2]) / 0.9505)
	y := f(0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2])
	z := f((0.0193*c[0] + 0.1192*c[1] + 0.9505*c[2]) / 1.089)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

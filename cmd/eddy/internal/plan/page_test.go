package plan

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/retry"
)

func TestPage(t *testing.T) {
	m := &Model{Calls: 2000, Capacity: 2000, Outage: Window{time.Second, time.Second / 2}}
	plans := []Planned{
		{"a<b", nil, Run(m, nil, Watch{}), Sweep(m, nil, Watch{})},
		{"never", &retry.Policy{Attempts: 1}, Run(&Model{Duration: time.Second, Loss: 1}, &retry.Policy{Attempts: 1}, Watch{}), nil},
	}
	page := Page{Command: "eddy plan --policy 'a<b'", Model: m, Plans: plans}
	html := page.HTML()
	if strings.Contains(html, "a<b") || !strings.Contains(html, "a&lt;b") {
		t.Error("a name is not escaped")
	}
	for _, want := range []string{"capacity: 2,000", "a&lt;b: {}", `never: {&#34;attempts&#34;:1}`} {
		if !strings.Contains(html, want) {
			t.Errorf("no %s", want)
		}
	}
	if n := strings.Count(html, "<svg"); n != 5 {
		t.Errorf("%d charts", n)
	}
	m.Calls = 100 // less than a slice of time
	if n := len((&Page{Model: m, Plans: []Planned{{Result: Run(m, nil, Watch{})}}}).Charts()); n != 3 {
		t.Errorf("%d charts, where there is no time to show", n)
	}
	for _, outside := range []string{"src=", "href=", "url(", "@import"} {
		if strings.Contains(html, outside) {
			t.Errorf("the page is not self-contained: %s", outside)
		}
	}
	for _, c := range page.Charts() {
		d := xml.NewDecoder(strings.NewReader(c.SVG()))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", c.Title, err)
			}
		}
		if strings.Contains(c.SVG(), "NaN") {
			t.Errorf("%s has no number somewhere", c.Title)
		}
	}
}

func TestTables(t *testing.T) {
	m := &Model{Duration: 2 * time.Second, Capacity: 2000}
	plans := []Planned{{Name: "one", Result: Run(m, nil, Watch{})}, {Name: "dead", Result: Run(&Model{Duration: 2 * time.Second, Loss: 1}, nil, Watch{})}}
	table := Table(m, plans)
	for _, want := range []string{"one", "dead", "success                100.000 %", "never", "p99.9"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
	if loads := LoadTable(plans); strings.Count(loads, "\n") != 9 || !strings.Contains(loads, "from 1.75 s") {
		t.Errorf("%s", loads)
	}
	if none := LoadTable([]Planned{{Result: &Result{}}}); none != "" {
		t.Errorf("%s", none)
	}
}

func TestAxes(t *testing.T) {
	for _, tt := range []struct{ end, wantEnd, step float64 }{
		{0, 1, 0.2}, {1, 1, 0.2}, {7, 7, 1}, {60, 60, 10}, {1499, 1500, 500}, {27500, 30000, 5000}, {0.03, 0.03, 0.005},
	} {
		if a := newAxis(tt.end); a.end < tt.end*0.999 || a.end > tt.wantEnd*1.001 || a.step > tt.step*1.001 || a.step < tt.step*0.999 {
			t.Errorf("%v: %+v, want %+v", tt.end, a, tt)
		}
	}
	for v, want := range map[float64]string{0.3: "0.3", 20: "20", 123456: "123,456", 1000: "1,000", 1234.5: "1,234", 1e6: "1,000,000", 1e7: "10,000,000", 0.25: "0.25", 0: "0", 0.00001: "0.000010"} {
		if got := number(v); got != want {
			t.Errorf("%v is %s", v, got)
		}
	}
}

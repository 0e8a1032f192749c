package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/retry"
)

func TestPage(t *testing.T) {
	m := &Model{Calls: 10_000, Capacity: 2000, Outage: Window{time.Second, time.Second / 2}}
	plans := []Planned{
		{"a<b", nil, sample(m, nil), Sweep(m, nil, Watch{})},
		{"never", &retry.Policy{Attempts: 1}, sample(&Model{Duration: time.Second, Loss: 1}, &retry.Policy{Attempts: 1}), nil},
	}
	page := Page{Command: "eddy plan --policy 'a<b'", Model: m, Plans: plans}
	html, err := page.HTML()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(html, "a<b") || !strings.Contains(html, "a&lt;b") {
		t.Error("a name is not escaped")
	}
	for _, want := range []string{"a&lt;b: {}", `never: {&#34;attempts&#34;:1}`} {
		if !strings.Contains(html, want) {
			t.Errorf("no %s", want)
		}
	}
	m.Calls = 100 // less than a slice of time
	if n := len((&Page{Model: m, Plans: []Planned{{Sample: sample(m, nil)}}}).Charts()); n != 3 {
		t.Errorf("%d charts, where there is no time to show", n)
	}

	// The charts are in the page as JSON.
	_, data, _ := strings.Cut(html, `id="data">`)
	data, _, _ = strings.Cut(data, "</script>")
	var charts []struct {
		Title  string
		Marked [2]float64
		Curves []struct {
			Name   string
			Points [2][]float64
		}
	}
	if err := json.Unmarshal([]byte(data), &charts, json.MatchCaseInsensitiveNames(true)); err != nil || len(charts) != 5 {
		t.Fatalf("%d charts, %v", len(charts), err)
	}
	if first := charts[0]; first.Title != "Load over time: a<b (the outage is marked)" || first.Marked != [2]float64{1, 1.5} || first.Curves[2].Name != "capacity: 2,000" {
		t.Errorf("the first chart is %+v", first)
	}
	for _, c := range charts {
		for _, curve := range c.Curves {
			if xs, ys := curve.Points[0], curve.Points[1]; len(xs) != len(ys) || !slices.IsSorted(xs) {
				t.Errorf("%s, %s: %v, %v", c.Title, curve.Name, xs, ys)
			}
		}
	}
}

func TestTables(t *testing.T) {
	m := &Model{Duration: 2 * time.Second, Capacity: 2000}
	plans := []Planned{{Name: "one", Sample: sample(m, nil)}, {Name: "dead", Sample: sample(&Model{Duration: 2 * time.Second, Loss: 1}, nil)}}
	table := Table(m, plans)
	for _, want := range []string{"one", "dead", "success (% of calls)                           100 ", "never", "p99.9"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
	if loads := LoadTable(plans); strings.Count(loads, "\n") != 9 || !strings.Contains(loads, "from 1.75 s on") {
		t.Errorf("%s", loads)
	}
	if none := LoadTable([]Planned{{Sample: &Sample{}}}); none != "" {
		t.Errorf("%s", none)
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0.3: "0.3", 20: "20", 123456: "123,456", 1000: "1,000", 1234.5: "1,234", 1e6: "1,000,000", 1e7: "10,000,000", 0.25: "0.25", 0: "0", 0.00001: "0.000010"} {
		if got := number(v); got != want {
			t.Errorf("%v is %s", v, got)
		}
	}
}

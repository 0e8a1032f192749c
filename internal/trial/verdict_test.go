package trial

import (
	"slices"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/sim"
)

// Errors that are results count as served: that a key does not exist, that the value is
// another one. Errors that refuse do not count, nor do replies that came too late.
func TestAvailability(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(*desk)
		low  bool
	}{
		{"a missing key", func(d *desk) { d.do("n1", `{"type":"error","code":20}`, "read", 9) }, false},
		{"a failed cas", func(d *desk) { d.do("n1", `{"type":"error","code":22}`, "cas", 1, 7, 8) }, false},
		{"a refusal", func(d *desk) { d.do("n1", busy, "read", 1) }, true},
		{"a write of a missing key", func(d *desk) { d.do("n1", `{"type":"error","code":20}`, "write", 1, 3) }, true},
		{"a late reply", func(d *desk) {
			late := d.ask("n1", "read", 1)
			d.wait(10 * time.Second)
			d.answer(late, `{"type":"read_ok","value":3}`)
		}, true},
	} {
		d := newDesk(t, "lin-kv", sim.Config{})
		d.do("n1", `{"type":"write_ok"}`, "write", 1, 3)
		test.do(d)
		d.cfg.Availability = 1
		res, err := d.Result(d.now)
		if err != nil {
			t.Fatal(err)
		}
		res.check = func(bool) ([]checker.Problem, []checker.Number) { return nil, nil }
		_, problems := res.Judge(d.cfg)
		low := slices.ContainsFunc(problems, func(p checker.Problem) bool { return p.Check == "low-availability" })
		if low != test.low {
			t.Errorf("%s: %+v", test.name, problems)
		}
	}
}

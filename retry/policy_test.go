package retry

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPolicyDefaults(t *testing.T) {
	for name, p := range map[string]*Policy{"nil": nil, "zero": {}} {
		if p.Limit() != 3 {
			t.Errorf("%s: %d attempts", name, p.Limit())
		}
		for n := 1; n <= 3; n++ {
			if p.Wait(n) != 500*time.Millisecond {
				t.Errorf("%s: attempt %d waits %v", name, n, p.Wait(n))
			}
		}
		if !p.Accepts(false) || !p.Accepts(true) {
			t.Errorf("%s: a reply is not accepted", name)
		}
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAccepts(t *testing.T) {
	for _, tt := range []struct {
		late           Late
		inTime, tooOld bool
	}{
		{Accept, true, true},
		{Ignore, true, false},
	} {
		p := &Policy{Late: tt.late}
		if p.Accepts(false) != tt.inTime || p.Accepts(true) != tt.tooOld {
			t.Errorf("%v: in time %v, late %v", tt.late, p.Accepts(false), p.Accepts(true))
		}
	}
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		policy Policy
		want   string
	}{
		{Policy{}, ""},
		{Policy{Attempts: 1, Timeout: 1, Late: Ignore}, ""},
		{Policy{Attempts: math.MaxInt, Timeout: math.MaxInt64}, ""},
		{Policy{Attempts: -1, Timeout: -1, Late: 2}, "attempts: -1 is not at least 1"},
		{Policy{Timeout: -time.Second, Late: 2}, "timeout: -1s is not over 0s"},
		{Policy{Late: 2}, "late: 2 is neither accept nor ignore"},
	} {
		got := ""
		if err := tt.policy.Validate(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.policy, got, tt.want)
		}
	}
}

func TestLateText(t *testing.T) {
	for late, want := range map[Late]string{Accept: "accept", Ignore: "ignore"} {
		if got := fmt.Sprint(late); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		text, err := late.MarshalText()
		if err != nil || string(text) != want {
			t.Errorf("%s became %s, %v", want, text, err)
		}
		var again Late
		if err := again.UnmarshalText(text); err != nil || again != late {
			t.Errorf("%s became %v, %v", text, again, err)
		}
	}
	for _, text := range []string{"", "Accept", "accept ", "0"} {
		late := Ignore
		if err := late.UnmarshalText([]byte(text)); err == nil || late != Ignore {
			t.Errorf("%q became %v", text, late)
		}
	}
	var p Policy
	if err := json.Unmarshal([]byte(`{"late":"never"}`), &p); err == nil {
		t.Errorf("late became %v", p.Late)
	}
}

func TestPolicyAsJSON(t *testing.T) {
	for want, p := range map[string]Policy{
		`{}`:                               {},
		`{"attempts":5}`:                   {Attempts: 5},
		`{"timeout":1000,"late":"ignore"}`: {Timeout: time.Microsecond, Late: Ignore},
	} {
		if got, err := json.Marshal(p); err != nil || string(got) != want {
			t.Errorf("%+v: got %s, %v, want %s", p, got, err, want)
		}
	}
}

func drawPolicy(t *rapid.T) *Policy {
	return &Policy{
		Attempts: rapid.IntRange(0, 1000).Draw(t, "attempts"),
		Timeout:  time.Duration(rapid.Int64Range(0, math.MaxInt64).Draw(t, "timeout")),
		Late:     rapid.SampledFrom([]Late{Accept, Ignore}).Draw(t, "late"),
	}
}

// A call that meets nothing but silence sends just as many attempts as its policy
// says, and every one waits for some time.
func TestSilenceEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t)
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		sent := 1
		for ; p.AfterSilence(sent) == SendAgain; sent++ {
			if p.Wait(sent) <= 0 {
				t.Fatalf("attempt %d waits %v", sent, p.Wait(sent))
			}
			if sent > 1000 {
				t.Fatal("there is no end")
			}
		}
		want := p.Attempts
		if want == 0 {
			want = DefaultAttempts
		}
		if sent != want || sent != p.Limit() {
			t.Fatalf("%d attempts, the limit is %d, want %d", sent, p.Limit(), want)
		}
		if step := p.AfterSilence(sent + 1); step != GiveUp {
			t.Fatalf("beyond the last attempt: %v", step)
		}
	})
}

// A policy that is written and read again is the same, and valid if it was.
func TestPolicySurvivesJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t)
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var again Policy
		if err := json.Unmarshal(text, &again); err != nil || again != *p {
			t.Fatalf("%s became %+v, %v", text, again, err)
		}
	})
}

// Values that Validate refuses do no harm: they count as the default.
func TestImpossibleValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &Policy{
			Attempts: -rapid.IntRange(1, math.MaxInt).Draw(t, "attempts"),
			Timeout:  -time.Duration(rapid.Int64Range(1, math.MaxInt64).Draw(t, "timeout")),
		}
		if p.Validate() == nil || p.Limit() != DefaultAttempts || p.Wait(1) != DefaultTimeout {
			t.Fatalf("%v, limit %d, wait %v", p.Validate(), p.Limit(), p.Wait(1))
		}
	})
}

package retry

import (
	"encoding/json"
	"fmt"
	"testing"
)

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

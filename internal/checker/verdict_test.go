package checker

import "testing"

func TestVerdictText(t *testing.T) {
	for verdict, want := range map[Verdict]string{Unknown: "unknown", Fail: "fail", Pass: "pass", 200: "Verdict(200)"} {
		if got := verdict.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if text, err := verdict.MarshalText(); (err == nil) != (verdict <= Pass) || err == nil && string(text) != want {
			t.Errorf("%v became %s, %v", verdict, text, err)
		}
	}
}

package csp

import "testing"

func TestPolicy(t *testing.T) {
	const empty = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	want := "default-src 'none'; script-src '" + empty + "'; style-src '" + empty + "'; base-uri 'none'; form-action 'none'"
	if got := Policy("", ""); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

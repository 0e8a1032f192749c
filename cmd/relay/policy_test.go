package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// policyFile returns the name of a file with this text.
func policyFile(t *testing.T, text string) string {
	name := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// The fields of a request take precedence over the flags, and these over the policy file.
func TestPolicyFile(t *testing.T) {
	t.Parallel()
	const request = `{"type":"relay","msg_id":2,"target":"n2","payload":{"type":"read"}}`
	file := policyFile(t, `{"attempts": 4, "timeout": "1ms", "call_id": true, "propagate": true, "deadline": "50s"}`)
	for _, test := range []struct {
		name, request string
		flags         []string
		attempts      int
	}{
		{"file", request, nil, 4},
		{"flag", request, []string{"--max-retries=2"}, 2},
		{"request", strings.Replace(request, "payload", `max_retries":3,"payload`, 1), []string{"--max-retries=2"}, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			out, _, status := runRelay(t, initLine+from("c1", "%s", test.request), append(test.flags, "--policy="+file)...)
			sent := strings.Count(out, `"type": "read", "call": "`)
			if status != 0 || sent != test.attempts || strings.Count(out, `, "retry": true, "msg_id": `) != test.attempts-1 {
				t.Errorf("exit status %d, want %d attempts, got\n%s", status, test.attempts, out)
			}
		})
	}
}

// A timeout in a request is the timeout of every attempt.
func TestTimeoutOverPolicy(t *testing.T) {
	t.Parallel()
	request := from("c1", `{"type":"relay","msg_id":2,"target":"n2","payload":{"type":"read"},"timeout_ms":1}`)
	out, _, status := runRelay(t, initLine+request, "--policy="+policyFile(t, `{"attempts":2,"hedge":"1h","timeout":"2h","adaptive":{"min":"1h"},"last_timeout":"3h"}`))
	if status != 0 || !strings.Contains(out, "RPC failed after 2 attempts") {
		t.Errorf("exit status %d, output\n%s", status, out)
	}
}

func TestNoSuchPolicy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ args, want string }{
		{"--policy=nope", `--policy nope: no such file, and no such preset; the presets are default, patient, hedged, budgeted`},
		{"--policy=./nope", "--policy ./nope: "},
		{"--policy=" + policyFile(t, `{"tries":3}`), "tries: unknown field"},
		{"--policy=" + policyFile(t, `{"attempts":0}`), "attempts: 0 must be an integer of at least 1"},
		{"--policy=" + policyFile(t, `{"timeout":"5"}`), `timeout: "5" must be a duration of more than 0s`},
		{"--policy=hedged --late=ignore", "--policy hedged with these flags: hedge: 100ms must be left out if late is ignore"},
	} {
		out, errs, status := runRelay(t, initLine, strings.Fields(test.args)...)
		if status != 2 || out != "" || !strings.Contains(errs, test.want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: exit status %d, output %q, message\n%s\nwant status 2 and %q", test.args, status, out, errs, test.want)
		}
	}
}

// The relay logs which fields of its policy have no effect.
func TestWarnings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(file, []byte(`{"attempts":1,"hedge":"100ms"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := command("--policy", file)
	var log bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(""), &log
	if err := cmd.Run(); err != nil {
		t.Error(err)
	}
	if want := `level=WARN msg=policy warning="hedge: has no effect, because there is only one attempt"`; !strings.Contains(log.String(), want) {
		t.Errorf("the log is %s, without %s", &log, want)
	}
}

package schedule

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/retry"
)

const ms = time.Millisecond

// play tells a schedule what a line says, and returns its decision:
//
//	0 begin | 0 written | 500 due | 600 reply 1 | 600 error 1 11 [retry_after_ms] | 700 end
//	600 unless 1     a reply without an error, and RetryIf returns true
//	600 again 1 22   an error reply, and RetryIf returns true
func play(t *testing.T, s *Schedule, p *retry.Policy, start Start, written map[int]time.Duration, line string) string {
	t.Helper()
	var at, n, code, after int
	var event string
	fmt.Sscan(line, &at, &event, &n, &code, &after)
	now := time.Duration(at) * ms
	var decision Decision
	switch event {
	case "begin":
		start.Now = now
		decision = s.Begin(p, start)
	case "written":
		written[s.Sent()] = now
		decision = s.Written(now)
	case "due":
		decision = s.Due(now)
	case "reply":
		decision = s.Reply(now, n, written[n])
	case "error":
		decision = s.ErrorReply(now, n, written[n], Failure{Code: int64(code), Definite: code == 11 || code == 22, RetryAfter: time.Duration(after) * ms})
	case "unless":
		decision = s.ErrorReply(now, n, written[n], Failure{Retry: true, Succeeded: true})
	case "again":
		decision = s.ErrorReply(now, n, written[n], Failure{Code: int64(code), Definite: true, Retry: true})
	case "end":
		s.End()
		return ""
	default:
		t.Fatalf("%q is not an event", line)
	}
	return show(decision)
}

func show(d Decision) string {
	text := d.Action.String()
	if d.Until == Never {
		text += " never"
	} else if d.Until != 0 {
		text += " " + fmt.Sprint(d.Until.Milliseconds())
	}
	if d.Reason != NoReason {
		text += ", " + d.Reason.String()
	}
	return text
}

func TestSchedule(t *testing.T) {
	for _, tt := range transcripts {
		t.Run(tt.name, func(t *testing.T) {
			if tt.start.Dest != nil {
				tt.start.Dest = &Destination{} // a run must not learn from another
			}
			playAll(t, load(t, tt.policy), tt.start, tt.lines)
		})
	}
}

// playAll checks that a schedule decides as the lines say.
func playAll(t *testing.T, policy *retry.Policy, start Start, lines string) {
	t.Helper()
	calls := map[string]*Schedule{}
	written := map[string]map[int]time.Duration{}
	for _, line := range strings.Split(strings.TrimSpace(lines), "\n") {
		line = strings.TrimSpace(line)
		event, want := cutLine(line)
		name, rest, ok := strings.Cut(event, ": ") // of one of several calls
		if !ok {
			name, rest = "", event
		}
		if calls[name] == nil {
			calls[name], written[name] = &Schedule{}, map[int]time.Duration{}
		}
		if got := play(t, calls[name], policy, start, written[name], rest); got != want {
			t.Fatalf("%s: got %q", line, got)
		}
	}
}

// cutLine cuts a line into the event and the decision that it expects.
func cutLine(line string) (event, want string) {
	for _, action := range []Action{GiveUp, Send, Wait, Pause, Settle} {
		if at := strings.Index(line, " "+action.String()); at > 0 {
			return line[:at], line[at+1:]
		}
	}
	return line, ""
}

func load(t *testing.T, text string) *retry.Policy {
	t.Helper()
	if text == "null" {
		return nil
	}
	p, err := retry.Load([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// If the budget refuses a hedge, the call still waits for its first attempt. If it
// refuses a retry, the call waits as long as its last attempt would.
func TestRefused(t *testing.T) {
	for _, tt := range []struct{ name, policy, lines string }{
		{"hedge", `{"hedge":"50ms","timeout":"1s","budget":{"ratio":0.1,"per_second":0.001}}`, `
			0 begin    send never
			0 written  wait 50
			50 due     wait 1000, retry refused by the budget
			1000 due   give up, retry refused by the budget`},
		{"last timeout", `{"last_timeout":"900ms","budget":{"ratio":0.1,"per_second":0.001}}`, `
			0 begin     send never
			0 written   wait 500
			500 due     wait 900, retry refused by the budget
			800 reply 1 settle`},
		{"no hedge", `{"budget":{"ratio":0.1,"per_second":0.001}}`, `
			0 begin    send never
			0 written  wait 500
			500 due    give up, retry refused by the budget`},
		{"error", `{"budget":{"ratio":0.1,"per_second":0.001},"retry_on":[11]}`, `
			0 begin       send never
			0 written     wait 500
			90 error 1 11 give up, retry refused by the budget`},
		{"late replies are ignored", `{"last_timeout":"900ms","late":"ignore","budget":{"ratio":0.1,"per_second":0.001}}`, `
			0 begin    send never
			0 written  wait 500
			500 due    give up, retry refused by the budget`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			policy := load(t, tt.policy)
			for _, start := range []Start{{Dest: &Destination{}}, {Node: &Window{}}, {Node: &Window{}, Dest: &Destination{}}} {
				playAll(t, policy, start, tt.lines)
				if start.Node != nil && start.Node.Refused() != 1 || start.Dest != nil && start.Dest.Window.Refused() != 1 {
					t.Error("a refusal was not counted")
				}
			}
		})
	}
}

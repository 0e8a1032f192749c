package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
)

func sample(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSamples(t *testing.T) {
	rest := `{"src": "n1", "dest": "n2", "body": {"type": "read", "msg_id": 2}}
{"src": "n1", "dest": "n2", "body": {"type": "read", "msg_id": 3}}
{"src": "n1", "dest": "c1", "body": {"type": "error", "code": 0, "text": "RPC failed after 3 attempts", "in_reply_to": 2, "msg_id": 4}}
`
	for _, test := range []struct {
		in, out, rest string
		args          []string
	}{
		{"echo.in", "echo.out", "", nil},
		{"relay.in", "relay.out", rest, nil},
		{"relay.in", "relay.out", "", []string{"--eof=stop"}},
	} {
		t.Run(strings.Join(append([]string{test.in}, test.args...), " "), func(t *testing.T) {
			t.Parallel()
			out, errs, status := runRelay(t, sample(t, test.in), test.args...)
			if want := sample(t, test.out) + test.rest; out != want || status != 0 {
				t.Errorf("exit status %d, output\n%s\nwant\n%s\nlog\n%s", status, out, want, errs)
			}
		})
	}
}

// initialised starts a relay that knows its name.
func initialised(t *testing.T, args ...string) *process {
	t.Helper()
	p := start(t, args...)
	p.send(initLine)
	p.want(`{"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1, "msg_id": 0}}`)
	return p
}

const relayRead = `{"type":"relay","msg_id":2,"target":"n2","payload":{"type":"read"}}`

func TestRelayWithReply(t *testing.T) {
	t.Parallel()
	p := initialised(t, "--timeout=1h")
	p.send(from("c1", relayRead))
	p.want(`{"src": "n1", "dest": "n2", "body": {"type": "read", "msg_id": 1}}`)
	p.send(from("n2", `{ "msg_id":9007199254740993,"value":[1.0, 1e400,"a:b, \u00e9"],"type":"read_ok","in_reply_to":1}`))
	p.want(`{"src": "n1", "dest": "c1", "body": {"type": "relay_ok", "attempts": 1, "result": ` +
		`{"msg_id": 9007199254740993, "value": [1.0, 1e400, "a:b, \u00e9"], "type": "read_ok", "in_reply_to": 1}, "in_reply_to": 2, "msg_id": 2}}`)
	p.end()
}

func TestCompact(t *testing.T) {
	t.Parallel()
	p := start(t, "--timeout=1h", "--compact")
	p.send(initLine, from("c1", relayRead))
	p.want(`{"src":"n1","dest":"c0","body":{"type":"init_ok","in_reply_to":1,"msg_id":0}}`,
		`{"src":"n1","dest":"n2","body":{"type":"read","msg_id":1}}`)
	p.send(from("n2", `{"type": "read_ok", "in_reply_to": 1}`))
	p.want(`{"src":"n1","dest":"c1","body":{"type":"relay_ok","attempts":1,"result":{"type":"read_ok","in_reply_to":1},"in_reply_to":2,"msg_id":2}}`)
	p.end()
}

// The reply to the first attempt comes when the second is under way.
func TestLateReply(t *testing.T) {
	t.Parallel()
	body := `{"type":"relay","msg_id":2,"target":"n2","payload":{"type":"read"},"timeout_ms":50,"max_retries":%d}`
	read := func(id int) string {
		return fmt.Sprintf(`{"src": "n1", "dest": "n2", "body": {"type": "read", "msg_id": %d}}`, id)
	}
	t.Run("accept", func(t *testing.T) {
		t.Parallel()
		p := initialised(t, "--log-format=json")
		p.send(from("c1", body, 1000))
		p.want(read(1), read(2))
		p.send(from("n2", `{"type":"read_ok","in_reply_to":1}`))
		reply := p.next()
		for strings.Contains(reply, `"type": "read", `) {
			reply = p.next() // another attempt, if this machine is slow
		}
		m := regexp.MustCompile(`"attempts": ([0-9]+), "result": {"type": "read_ok", "in_reply_to": 1}, "in_reply_to": 2`).FindStringSubmatch(reply)
		if m == nil || m[1] == "1" {
			t.Errorf("the reply is %s", reply)
		}
		_, errs := p.end()
		for _, s := range logged(t, errs, "summary") {
			if s["late"] != 1.0 {
				t.Errorf("the summary is %v", s)
			}
		}
	})
	t.Run("ignore", func(t *testing.T) {
		t.Parallel()
		p := initialised(t, "--late=ignore")
		p.send(from("c1", body, 2))
		p.want(read(1), read(2))
		p.send(from("n2", `{"type":"read_ok","in_reply_to":1}`))
		p.want(`{"src": "n1", "dest": "c1", "body": {"type": "error", "code": 0, "text": "RPC failed after 2 attempts", "in_reply_to": 2, "msg_id": 3}}`)
		p.end()
	})
}

func TestErrorReplyIsAResult(t *testing.T) {
	t.Parallel()
	p := initialised(t, "--timeout=1h")
	for i, body := range []string{
		`{"type": "error", "code": 20, "text": "no", "in_reply_to": %d}`,
		`{"type": "error", "code": 0, "in_reply_to": %d}`,
		`{"type": "error", "in_reply_to": %d}`,
	} {
		id := 1 + 2*i
		p.send(from("c1", relayRead))
		p.want(fmt.Sprintf(`{"src": "n1", "dest": "n2", "body": {"type": "read", "msg_id": %d}}`, id))
		p.send(from("n2", body, id))
		p.want(fmt.Sprintf(`{"src": "n1", "dest": "c1", "body": {"type": "relay_ok", "attempts": 1, "result": %s, "in_reply_to": 2, "msg_id": %d}}`,
			fmt.Sprintf(body, id), id+1))
	}
	p.end()
}

// A reply counts only from the node that was asked.
func TestStranger(t *testing.T) {
	t.Parallel()
	p := initialised(t, "--timeout=1h", "--log-format=json")
	p.send(from("c1", relayRead), from("n3", `{"type":"read_ok","value":"a stranger's","in_reply_to":1}`),
		from("n2", `{"type":"read_ok","in_reply_to":1}`), from("n2", `{"type":"read_ok","in_reply_to":1}`))
	p.want(`{"src": "n1", "dest": "n2", "body": {"type": "read", "msg_id": 1}}`,
		`{"src": "n1", "dest": "c1", "body": {"type": "relay_ok", "attempts": 1, "result": {"type": "read_ok", "in_reply_to": 1}, "in_reply_to": 2, "msg_id": 2}}`)
	_, errs := p.end()
	summary := logged(t, errs, "summary")
	if len(summary) != 1 || summary[0]["strays"] != 2.0 {
		t.Errorf("the summary is %v, want 2 strays", summary)
	}
}

// The ids in a payload are replaced by those of the call.
func TestPayloadIDs(t *testing.T) {
	t.Parallel()
	p := initialised(t, "--timeout=1h", "--eof=stop")
	for i, ids := range []string{
		`"msg_id":77,"in_reply_to":0`, `"msg_id":"abc","in_reply_to":-1`, `"msg_id":1.0,"in_reply_to":null`, `"msg_id":1,"msg_id":2,"in_reply_to":3,"in_reply_to":[]`,
	} {
		p.send(from("c1", `{"type":"relay","msg_id":2,"target":"n2","payload":{"a":1,%s,"type":"read","b":2}}`, ids))
		p.want(fmt.Sprintf(`{"src": "n1", "dest": "n2", "body": {"type": "read", "a": 1, "b": 2, "msg_id": %d}}`, i+1))
	}
	p.end()
}

// A result that would be nested too deeply in a reply leads to an error reply that says so.
func TestResultTooDeep(t *testing.T) {
	t.Parallel()
	p := initialised(t, "--timeout=1h")
	for i, levels := range []int{997, 998} {
		p.send(from("c1", relayRead))
		p.want(fmt.Sprintf(`{"src": "n1", "dest": "n2", "body": {"type": "read", "msg_id": %d}}`, 2*i+1))
		p.send(from("n2", `{"type":"read_ok","in_reply_to":%d,"a":%s}`, 2*i+1, strings.Repeat("[", levels)+strings.Repeat("]", levels)))
		switch m := read(t, p.next()); {
		case levels == 997 && m.Body.Type != "relay_ok":
			t.Errorf("the reply with a result of the greatest depth is %+v", m)
		case levels == 998 && (m.Body.Code == nil || *m.Body.Code != 13 || !strings.HasPrefix(m.Body.Text, "cannot pass on the result: not JSON: nested deeper than 1,000")):
			t.Errorf("the reply with a result that is nested too deeply is %+v", m)
		}
	}
	p.end()
}

func TestMalformedRelay(t *testing.T) {
	t.Parallel()
	const (
		target  = "target must be the name of a node, a string that is not empty"
		payload = "payload must be an object with a type"
		typ     = "payload.type must be a string that is not empty"
		timeout = "timeout_ms must be an integer from 1 to 3600000, in milliseconds"
		retries = "max_retries must be an integer from 1 to 1000, the attempts in all"
	)
	p := initialised(t)
	id := 1
	for _, test := range []struct{ fields, text string }{
		{`"payload":{"type":"read"}`, target},
		{`"target":"","payload":{"type":"read"}`, target},
		{`"target":7,"payload":{"type":"read"}`, target},
		{`"target":null,"payload":{"type":"read"}`, target},
		{`"target":"n\ud800","payload":{"type":"read"}`, target},
		{`"target":["n2"],"payload":{"type":"read"}`, target},
		{`"target":"n2"`, payload},
		{`"target":"n2","payload":null`, payload},
		{`"target":"n2","payload":"read"`, payload},
		{`"target":"n2","payload":[{"type":"read"}]`, payload},
		{`"target":"n2","payload":{}`, typ},
		{`"target":"n2","payload":{"type":""}`, typ},
		{`"target":"n2","payload":{"type":3}`, typ},
		{`"target":"n2","payload":{"kind":"read"}`, typ},
		{`"target":"n2","payload":{"type":"read","type":"write"}`, "payload.type is given twice"},
		{`"timeout_ms":0`, timeout},
		{`"timeout_ms":-1`, timeout},
		{`"timeout_ms":3600001`, timeout},
		{`"timeout_ms":1.5`, timeout},
		{`"timeout_ms":"100"`, timeout},
		{`"timeout_ms":null`, timeout},
		{`"timeout_ms":1e2`, timeout},
		{`"timeout_ms":99999999999999999999`, timeout},
		{`"max_retries":0`, retries},
		{`"max_retries":-3`, retries},
		{`"max_retries":1001`, retries},
		{`"max_retries":true`, retries},
		{`"max_retries":2.0`, retries},
	} {
		if strings.Contains(test.fields, "_") {
			test.fields += `,"target":"n2","payload":{"type":"read"}`
		}
		p.send(from("c1", `{"type":"relay","msg_id":2,%s}`, test.fields))
		want := fmt.Sprintf(`{"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "%s", "in_reply_to": 2, "msg_id": %d}}`, test.text, id)
		if got := p.next(); got != want+"\n" {
			t.Fatalf("the reply to %s is\n%swant\n%s", test.fields, got, want)
		}
		id++
	}
	p.end()
}

// If a call cannot begin, the request was malformed, unless the error has another code.
func TestFailureBeforeTheFirstAttempt(t *testing.T) {
	busy := fmt.Errorf("RPC to n2 failed: %w", eddy.Errorf(eddy.TemporarilyUnavailable, "too many"))
	if got := failure(0, busy); got != busy {
		t.Errorf("%v became %v", busy, got)
	}
	wrong := fmt.Errorf("RPC to n2 failed: %w", errors.New("body.type is given twice"))
	if got, ok := errors.AsType[*eddy.Error](failure(0, wrong)); !ok || got.Code != eddy.MalformedRequest || got.Text != "payload.type is given twice" {
		t.Errorf("%v became %v", wrong, got)
	}
	if got := failure(1, wrong); got != wrong {
		t.Errorf("after an attempt %v became %v", wrong, got)
	}
}

func TestOverrides(t *testing.T) {
	t.Parallel()
	t.Run("fewer", func(t *testing.T) {
		t.Parallel()
		p := initialised(t, "--timeout=1h", "--max-retries=1000")
		p.send(from("c1", `{"type":"relay","msg_id":2,"target":"n2","payload":{"type":"read"},"timeout_ms":1,"max_retries":2}`))
		p.want(`{"src": "n1", "dest": "n2", "body": {"type": "read", "msg_id": 1}}`,
			`{"src": "n1", "dest": "n2", "body": {"type": "read", "msg_id": 2}}`,
			`{"src": "n1", "dest": "c1", "body": {"type": "error", "code": 0, "text": "RPC failed after 2 attempts", "in_reply_to": 2, "msg_id": 3}}`)
		p.end()
	})
	t.Run("most", func(t *testing.T) { // the largest that are allowed
		t.Parallel()
		p := initialised(t, "--timeout=1ms", "--max-retries=1")
		p.send(from("c1", `{"type":"relay","msg_id":2,"target":"n2","payload":{"type":"read"},"timeout_ms":3600000,"max_retries":1000}`))
		p.want(`{"src": "n1", "dest": "n2", "body": {"type": "read", "msg_id": 1}}`)
		p.send(from("n2", `{"type": "read_ok", "in_reply_to": 1}`))
		p.want(`{"src": "n1", "dest": "c1", "body": {"type": "relay_ok", "attempts": 1, "result": {"type": "read_ok", "in_reply_to": 1}, "in_reply_to": 2, "msg_id": 2}}`)
		p.end()
	})
	t.Run("flags", func(t *testing.T) {
		t.Parallel()
		out, _, status := runRelay(t, initLine+from("c1", relayRead), "--timeout=1ms", "--max-retries=5")
		if status != 0 || !strings.Contains(out, "RPC failed after 5 attempts") || strings.Count(out, `"type": "read"`) != 5 {
			t.Errorf("exit status %d, output\n%s", status, out)
		}
	})
}

func TestFlagsOutOfRange(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ arg, want string }{
		{"--timeout=0", "--timeout 0s: must be from 1ms to 1h"},
		{"--timeout=999us", "--timeout 999µs: must be from 1ms to 1h"},
		{"--timeout=61m", "--timeout 1h1m0s: must be from 1ms to 1h"},
		{"--timeout=-1s", "--timeout -1s: must be from 1ms to 1h"},
		{"--timeout=500", `relay: invalid value "500" for flag --timeout: not a duration with its unit, such as 500ms or 2s (relay --help lists the flags)`},
		{"--max-retries=0", "--max-retries 0: must be from 1 to 1000"},
		{"--max-retries=1001", "--max-retries 1001: must be from 1 to 1000"},
		{"--max-retries=x", `invalid value "x" for flag --max-retries: parse error`},
		{"--late=drop", `"drop" must be accept or ignore`},
		{"--eof=wait", "--eof wait: must be drain or stop"},
		{"--drain=0s", "--drain 0s: must be over 0s"},
		{"--drain=-1s", "--drain -1s: must be over 0s"},
		{"--max-line=1023", "--max-line 1023: must be from 1KiB to 1GiB"},
		{"--max-line=1025MiB", "--max-line 1025MiB: must be from 1KiB to 1GiB"},
		{"--max-line=2GiB", "not a number of bytes"},
		{"--max-line=9999999MiB", "not a number of bytes, such as 65536, 64KiB or 16MiB"},
		{"--max-line=1GB", "not a number of bytes, such as 65536, 64KiB or 16MiB"},
		{"--max-open=0", "--max-open 0: must be at least 1"},
		{"--log-level=loud", `invalid value "loud" for flag --log-level: not one of debug, info, warn, error`},
		{"--log-format=xml", "--log-format xml: must be text or json"},
		{"--fast", "flag provided but not defined: --fast"},
		{"file.jsonl", `takes no arguments, got "file.jsonl"`},
	} {
		t.Run(test.arg, func(t *testing.T) {
			out, errs, status := runRelay(t, initLine, test.arg)
			if status != 2 || out != "" || !strings.Contains(errs, test.want) || strings.Count(errs, "\n") != 1 {
				t.Errorf("exit status %d, output %q, message\n%s\nwant status 2 and %q", status, out, errs, test.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	_, errs, status := runRelay(t, "", "--help")
	if status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
	for _, want := range []string{
		"Usage: relay",
		"  --timeout duration\n        timeout of each attempt: a duration from 1ms to 1h (default 500ms)\n",
		"--max-retries number", "default 3", "--late accept|ignore", "--eof drain|stop", "--drain duration", "30s",
		"--compact", "--max-line size", "16MiB", "--max-open number", "100000", "--log-level debug|info|warn|error", "default info",
		"--log-format text|json", "--version", "--policy file", "(default default)",
	} {
		if !strings.Contains(errs, want) {
			t.Errorf("the help lacks %q:\n%s", want, errs)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	out, errs, status := runRelay(t, "", "--version")
	if status != 0 || !regexp.MustCompile(`^relay \S+\n$`).MatchString(out) || errs != "" {
		t.Errorf("exit status %d, output %q, log %q", status, out, errs)
	}
}

func TestRetryLog(t *testing.T) {
	t.Parallel()
	input := initLine + from("c1", relayRead)
	t.Run("text", func(t *testing.T) {
		t.Parallel()
		_, errs, _ := runRelay(t, input, "--timeout=20ms")
		want := regexp.MustCompile(`^time=\S+ level=INFO msg=retry dest=n2 attempt=2 of=3 msg_id=2 waited=\S+ for=relay from=c1 request=2
time=\S+ level=INFO msg=retry dest=n2 attempt=3 of=3 msg_id=3 waited=\S+ for=relay from=c1 request=2
time=\S+ level=INFO msg=summary in=2 out=5 calls=1 attempts=3 retries=2 late=0 strays=0 failures=1 refused=0 expired=0 dropped=0 bad_lines=0 log_dropped=0
$`)
		if !want.MatchString(errs) {
			t.Errorf("the log is\n%s\nwant\n%s", errs, want)
		}
	})
	t.Run("json", func(t *testing.T) {
		t.Parallel()
		_, errs, _ := runRelay(t, input, "--timeout=20ms", "--log-format=json")
		retries := logged(t, strings.SplitAfter(strings.TrimSuffix(errs, "\n"), "\n"), "retry")
		if len(retries) != 2 {
			t.Fatalf("the log is\n%s", errs)
		}
		for i, r := range retries {
			waited, _ := r["waited"].(float64)
			delete(r, "waited")
			delete(r, "time")
			got := fmt.Sprint(r)
			want := fmt.Sprintf("map[attempt:%d dest:n2 for:relay from:c1 level:INFO msg:retry msg_id:%d of:3 request:2]", i+2, i+2)
			if got != want || time.Duration(waited) < 20*time.Millisecond {
				t.Errorf("a retry is logged as %s, waited %v, want %s", got, time.Duration(waited), want)
			}
		}
	})
	t.Run("warn", func(t *testing.T) {
		t.Parallel()
		if _, errs, _ := runRelay(t, input, "--timeout=20ms", "--log-level=warn"); errs != "" {
			t.Errorf("the log is\n%s\nwant none", errs)
		}
	})
}

// Messages are logged only if something is wrong. The summary comes at the end.
func TestSummary(t *testing.T) {
	t.Parallel()
	input := initLine + "junk\n" + from("c1", `{"type":"echo","msg_id":2}`) + from("c1", `{"type":"echo"}`) + from("c1", `{"type":"gossip"}`) + from("n9", `{"type":"x_ok","in_reply_to":5}`)
	_, errs, status := runRelay(t, input, "--log-format=json")
	lines := strings.SplitAfter(strings.TrimSuffix(errs, "\n"), "\n")
	summary := logged(t, lines, "summary")
	if len(lines) != 2 || len(summary) != 1 || status != 0 {
		t.Fatalf("exit status %d, the log is\n%s", status, errs)
	}
	delete(summary[0], "time")
	want := "map[attempts:0 bad_lines:1 calls:0 dropped:1 expired:0 failures:0 in:5 late:0 level:INFO log_dropped:0 msg:summary out:2 refused:0 retries:0 strays:1]"
	if got := fmt.Sprint(summary[0]); got != want {
		t.Errorf("the summary is\n%s\nwant\n%s", got, want)
	}
}

// A bad line is logged with its number and its beginning, and gets a reply if that is
// possible. The good line after it is served.
func TestBadLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1000)
	p := initialised(t, "--log-format=json")
	p.send("{oops\n", from("c1", `{"type":"echo","msg_id":3,"echo":"%s}`, long), from("c1", `{"type":"echo","msg_id":4}`))
	refused := read(t, p.next())
	if refused.Dest != "c1" || *refused.Body.Code != 12 || *refused.Body.InReplyTo != 3 {
		t.Errorf("the reply to the bad line is %+v", refused)
	}
	if echoed := read(t, p.next()); echoed.Body.Type != "echo_ok" || *echoed.Body.InReplyTo != 4 {
		t.Errorf("the reply to the good line is %+v", echoed)
	}
	_, errs := p.end()
	bad := logged(t, errs, "bad line")
	if len(bad) != 2 {
		t.Fatalf("the log is %q", errs)
	}
	quote := from("c1", `{"type":"echo","msg_id":3,"echo":"%s}`, long)[:200]
	if bad[0]["line"] != 2.0 || bad[0]["text"] != "{oops" || bad[1]["line"] != 3.0 || bad[1]["text"] != quote {
		t.Errorf("logged %v", bad)
	}
}

func TestLongLines(t *testing.T) {
	t.Parallel()
	echo := func(id, n int) string {
		return from("c1", `{"type":"echo","msg_id":%d,"echo":"%s"}`, id, strings.Repeat("y", n))
	}
	t.Run("served", func(t *testing.T) {
		t.Parallel()
		p := initialised(t)
		p.send(echo(2, 5<<20))
		want := fmt.Sprintf(`{"src": "n1", "dest": "c1", "body": {"type": "echo_ok", "echo": "%s", "in_reply_to": 2, "msg_id": 1}}`+"\n", strings.Repeat("y", 5<<20))
		if p.next() != want {
			t.Error("5 MiB are not echoed")
		}
		p.end()
	})
	t.Run("over the limit", func(t *testing.T) {
		t.Parallel()
		p := initialised(t, "--max-line=1KiB")
		p.send(echo(2, 1<<20), echo(3, 900))
		if m := read(t, p.next()); m.Body.Code == nil || *m.Body.Code != 12 || *m.Body.InReplyTo != 2 {
			t.Errorf("the reply to a line over the limit is %+v", m)
		}
		if m := read(t, p.next()); m.Body.Type != "echo_ok" {
			t.Errorf("the reply to a line within the limit is %+v", m)
		}
		p.end()
	})
}

func TestMaxOpen(t *testing.T) {
	t.Parallel()
	p := initialised(t, "--max-open=2", "--timeout=1h")
	p.send(from("c1", relayRead), from("c2", relayRead), from("c3", relayRead), from("c3", `{"type":"echo","msg_id":9}`))
	p.want(`{"src": "n1", "dest": "n2", "body": {"type": "read", "msg_id": 1}}`,
		`{"src": "n1", "dest": "n2", "body": {"type": "read", "msg_id": 2}}`)
	for range 2 {
		if m := read(t, p.next()); m.Dest != "c3" || m.Body.Code == nil || *m.Body.Code != 11 {
			t.Errorf("past the bound the reply to a request is %+v", m)
		}
	}
	p.send(from("n2", `{"type":"read_ok","in_reply_to":1}`), from("c3", `{"type":"echo","msg_id":10}`))
	p.next()
	if m := read(t, p.next()); m.Body.Type != "echo_ok" {
		t.Errorf("within the bound the reply to a request is %+v", m)
	}
	p.send(from("n2", `{"type":"read_ok","in_reply_to":2}`))
	p.end()
}

func TestNoNewlineAtTheEnd(t *testing.T) {
	t.Parallel()
	in := sample(t, "echo.in")
	out, _, status := runRelay(t, strings.TrimSuffix(in, "\n"))
	if want := sample(t, "echo.out"); out != want || status != 0 {
		t.Errorf("exit status %d, output\n%s\nwant\n%s", status, out, want)
	}
}

// A drain that takes too long ends.
func TestDrainIsBounded(t *testing.T) {
	t.Parallel()
	out, errs, status := runRelay(t, initLine+from("c1", relayRead), "--timeout=1h", "--drain=50ms")
	if status != 0 || !strings.Contains(errs, "ended before every request had its reply") || strings.Count(out, "\n") < 2 {
		t.Errorf("exit status %d, output\n%s\nlog\n%s", status, out, errs)
	}
}

package cluster

import (
	"slices"
	"strings"
	"testing"
)

// What programs in several languages write to stderr when they end with an error.
func TestErrorLines(t *testing.T) {
	for _, tt := range []struct{ name, stderr, want string }{
		{"Go", "2026/11/30 10:00:00 started\npanic: boom\n\ngoroutine 1 [running]:\nmain.(*store).fail(0x1)\n\t/src/main.go:5 +0x1d\nmain.main()\n\t/src/main.go:9 +0x1d", "panic: boom"},
		{"Go, an error", "panic: runtime error: index out of range [3] with length 2\n\ngoroutine 7 [running]:\nmain.(*DecodeError).Error(...)\n\t/src/main.go:5", "panic: runtime error: index out of range [3] with length 2"},
		{"Go, a deadlock", "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [select (no cases)]:\nmain.main()\n\t/src/main.go:5 +0x1d", "fatal error: all goroutines are asleep - deadlock!"},
		{"Python", "Traceback (most recent call last):\n  File \"node.py\", line 3, in <module>\n    fail()\njson.decoder.JSONDecodeError: Expecting value: line 1\nException ignored in: <stdout>", "json.decoder.JSONDecodeError: Expecting value: line 1"},
		{"JavaScript", "/src/node.js:3\n  throw new TypeError('no reply')\n  ^\n\nTypeError: no reply\n    at fail (/src/node.js:3:9)\n    at Module._compile (node:internal/modules/cjs/loader:1364:14)\n    at node:internal/main/run_main_module:28:49\n\nNode.js v20.19.2", "TypeError: no reply"},
		{"Java", "Exception in thread \"main\" java.lang.IllegalStateException: no reply\n\tat Node.main(Node.java:4)", "Exception in thread \"main\" java.lang.IllegalStateException: no reply"},
		{"Rust", "thread 'main' (42) panicked at src/main.rs:3:5:\nno reply\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace", "thread 'main' (42) panicked at src/main.rs:3:5:\nno reply"},
		{"Ruby", "node.rb:3:in `fail': no reply (RuntimeError)\n\tfrom node.rb:5:in `<main>'", "node.rb:3:in `fail': no reply (RuntimeError)"},
		{"C#", "Unhandled exception. System.InvalidOperationException: no reply\n   at Node.Main() in /src/Node.cs:line 4", "Unhandled exception. System.InvalidOperationException: no reply"},
		{"Elixir", "** (RuntimeError) no reply\n    node.exs:3: (file)", "** (RuntimeError) no reply"},
		{"the last counts", "ValueError: handled\npanic: boom\ngoroutine 1 [running]:", "panic: boom"},
		{"none of these", "one\ntwo\nthree\nfour\nfive\nsix", "two\nthree\nfour\nfive\nsix"},
	} {
		p := &Process{}
		for line := range strings.SplitSeq(tt.stderr, "\n") {
			p.remember([]byte(line))
		}
		if got := p.ErrorLines(); !slices.Equal(got, strings.Split(tt.want, "\n")) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

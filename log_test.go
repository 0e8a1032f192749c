package eddy_test

import (
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
)

// If nobody reads the log, the node still replies. Lines that do not fit into the queue are
// dropped and counted, and the others are written later.
func TestLogThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stderr := newPipe()
		stderr.set(stuck)
		queue := eddy.NewLogQueue(stderr)
		s := &stage{node: &eddy.Node{Log: slog.New(slog.NewTextHandler(queue, nil))}}
		s.start(false)
		defer s.clear()
		s.init()
		const bad = 20_000
		s.pipe.arrive([]byte(strings.Repeat("what is this?\n", bad)))
		s.pipe.arrive([]byte(`{"src":"c1","dest":"n1","body":{"type":"echo","msg_id":1}}` + "\n"))
		if out := s.show(false); !strings.Contains(out, "echo_ok") {
			t.Errorf("wrote %q, not an echo_ok", out)
		}
		if n := s.node.Stats().BadLines; n != bad {
			t.Errorf("%d bad lines, want %d", n, bad)
		}
		if d := queue.Dropped(); d == 0 || d >= bad {
			t.Errorf("%d lines dropped of %d, want some", d, bad)
		}

		before := time.Now()
		queue.Flush(time.Second) // does not wait longer
		if waited := time.Since(before); waited != time.Second {
			t.Errorf("Flush of a stuck log took %v, want 1s", waited)
		}
		stderr.set(free)
		queue.Flush(time.Second)
		passed := int64(0)
		stderr.lines(func(time.Duration, string) { passed++ })
		if passed+queue.Dropped() != bad {
			t.Errorf("%d lines passed on and %d dropped, want %d together", passed, queue.Dropped(), bad)
		}
	})
}

// The log quotes the first 200 bytes of a bad line, without half a character.
func TestBadLineQuote(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"short", "hello", "hello"},
		{"long", strings.Repeat("x", 300), strings.Repeat("x", 200)},
		{"a character across the cut", "x" + strings.Repeat("é", 150), "x" + strings.Repeat("é", 99)},
		{"a character at the cut", strings.Repeat("é", 150), strings.Repeat("é", 100)},
		{"no character at all", strings.Repeat("\x80", 300), strings.Repeat("\x80", 200)},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stage{node: &eddy.Node{}}
				s.start(false)
				defer s.clear()
				s.pipe.arrive([]byte(c.line + "\n"))
				synctest.Wait()
				_, quoted, _ := strings.Cut(strings.TrimSpace(s.log.take()), " text=")
				if text, err := strconv.Unquote(quoted); err == nil {
					quoted = text
				}
				if quoted != c.want {
					t.Errorf("quoted %q, want %q", quoted, c.want)
				}
			})
		})
	}
}

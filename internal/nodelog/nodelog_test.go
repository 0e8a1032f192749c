package nodelog

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/watch"
)

// logged returns what write logs, without the time.
func logged(level slog.Level, write func(l Log)) string {
	var b strings.Builder
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	write(Log{slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: level, ReplaceAttr: withoutTime}))})
	return b.String()
}

// A bad line is quoted up to 200 bytes, and not cut within a character.
func TestBadLine(t *testing.T) {
	for name, test := range map[string]struct{ line, quote string }{
		"short":          {"rubbish\n", "rubbish\n"},
		"empty":          {"", ""},
		"200 bytes":      {strings.Repeat("x", 200), strings.Repeat("x", 200)},
		"201 bytes":      {strings.Repeat("x", 201), strings.Repeat("x", 200)},
		"very long":      {strings.Repeat("x", 1_000_000), strings.Repeat("x", 200)},
		"characters":     {"x" + strings.Repeat("€", 100), "x" + strings.Repeat("€", 66)},
		"no valid UTF-8": {strings.Repeat("\x80", 300), strings.Repeat("\x80", 200)},
	} {
		t.Run(name, func(t *testing.T) {
			got := logged(slog.LevelInfo, func(l Log) { l.BadLine(7, []byte(test.line), errors.New("not JSON")) })
			want := logged(slog.LevelInfo, func(l Log) {
				l.Warn("bad line", "line", 7, "reason", "not JSON", "text", test.quote)
			})
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestSent(t *testing.T) {
	name := strings.Repeat("n", 100)
	write := func(l Log) {
		c := &watch.Call{Dest: name}
		l.Sent(c, watch.Sent{Attempt: 1, ID: 6})
		l.Sent(c, watch.Sent{Attempt: 2, ID: 7, Waited: 500_400 * time.Microsecond})
		c.For = &watch.Request{Type: "relay", Src: "c1", ID: 4}
		l.Sent(c, watch.Sent{Attempt: 3, ID: 8, Waited: time.Second, After: errors.New("busy")})
	}
	dest := strings.Repeat("n", 64) + "..."
	want := "level=INFO msg=retry dest=" + dest + " attempt=2 of=3 msg_id=7 waited=500ms\n" +
		"level=INFO msg=retry dest=" + dest + " attempt=3 of=3 msg_id=8 waited=1s after=busy for=relay from=c1 request=4\n"
	if got := logged(slog.LevelInfo, write); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for level, want := range map[slog.Level]bool{slog.LevelDebug: true, slog.LevelInfo: true, slog.LevelWarn: false} {
		logged(level, func(l Log) {
			if l.LogsRetries() != want {
				t.Errorf("at level %v LogsRetries is %v", level, !want)
			}
		})
	}
}

// However long the names and texts of peers are, a line of the log is short.
func TestLinesAreShort(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	call := &watch.Call{Dest: long, For: &watch.Request{Type: long, Src: long, ID: 1}}
	for name, write := range map[string]func(l Log){
		"retry":    func(l Log) { l.Sent(call, watch.Sent{Attempt: 2, After: errors.New(long)}) },
		"bad line": func(l Log) { l.BadLine(1, []byte(long), errors.New(long)) },
		"unsent":   func(l Log) { l.Unsent(long, long, errors.New(long)) },
		"panic":    func(l Log) { l.Panic(long, long) },
	} {
		if got := logged(slog.LevelInfo, write); len(got) > 4096 {
			t.Errorf("%s: %d bytes", name, len(got))
		}
	}
}

func TestPanic(t *testing.T) {
	got := logged(slog.LevelInfo, func(l Log) { l.Panic("echo", "oh") })
	if !strings.HasPrefix(got, `level=ERROR msg=panic in=echo panic=oh stack="goroutine `) || !strings.Contains(got, "TestPanic") {
		t.Errorf("logged %s", got)
	}
}

package eddytest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// A recorder is a test that fails without failing ours.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	said     strings.Builder
	failed   bool
	cleanups []func()
}

func (r *recorder) Helper()           {}
func (r *recorder) Output() io.Writer { return io.Discard }
func (r *recorder) Cleanup(f func())  { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Logf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.said, format+"\n", args...)
}

func (r *recorder) Errorf(format string, args ...any) {
	r.Logf(format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

// A test that goes wrong says why, shows what was sent, and ends.
func TestFailures(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(net *eddytest.Net)
		want string
	}{
		"no reply": {func(net *eddytest.Net) {
			net.Client("c1").Call("n1", `{"type":"echo"}`)
		}, "c1 waits in vain for the reply to its request 1\neddytest: what was sent, the last 100:\n0s c1 -> n1 {\"type\":\"echo\",\"msg_id\":1} lost"},
		"no message": {func(net *eddytest.Net) { net.Client("c1").Receive() }, "c1 waits in vain for a message"},
		"no object":  {func(net *eddytest.Net) { net.Client("c1").Request("n1", "[]") }, "c1 can't send this"},
		"no type":    {func(net *eddytest.Net) { net.Client("c1").Send("n1", struct{}{}) }, "c1 can't send this: body.type is missing"},
		"no JSON":    {func(net *eddytest.Net) { net.Client("c1").Send("n1", func() {}) }, "c1 can't send this: json: unsupported type"},
		"two of a name": {func(net *eddytest.Net) {
			net.Client("c1")
			net.Client("c1")
		}, "somebody else is called c1"},
		"no such node": {func(net *eddytest.Net) { net.Stop("n1") }, "there is no node n1 to stop"},
		"refused init": {func(net *eddytest.Net) {
			n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
			n.OnInit(func(context.Context) error { return errors.New("no disk") })
			net.Start("n1", n)
		}, "n1 answered init with {\"type\":\"error\",\"code\":13,\"text\":\"no disk\""},
		"junk": {func(net *eddytest.Net) { net.Join("n1").Write([]byte("hello\n")) }, "n1 wrote what is no message of its own: not JSON"},
		"no body": {func(net *eddytest.Net) {
			net.Join("n1").Write([]byte(`{"src":"n1","dest":"n2"}` + "\n"))
		}, "body is missing"},
		"another's name": {func(net *eddytest.Net) {
			net.Join("n1").Write([]byte(`{"src":"n2","dest":"n1","body":{"type":"x"}}` + "\n"))
		}, "its src is n2"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{TB: t}
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					test.do(eddytest.New(r))
				}()
				<-ended
				for _, f := range r.cleanups {
					f()
				}
				if !r.failed || !strings.Contains(r.said.String(), test.want) {
					t.Errorf("the test says\n%s\nwant\n%s", r.said.String(), test.want)
				}
			})
		})
	}
}

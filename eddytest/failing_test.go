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

// A recorder is a testing.TB that records failures.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	log      strings.Builder
	failed   bool
	cleanups []func()
}

func (r *recorder) Helper()           {}
func (r *recorder) Output() io.Writer { return io.Discard }
func (r *recorder) Cleanup(f func())  { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Logf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.log, format+"\n", args...)
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

// A test that fails says why, shows what was sent, and ends.
func TestFailures(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(net *eddytest.Net)
		want string
	}{
		"no reply": {func(net *eddytest.Net) {
			net.Client("c1").Call("n1", `{"type":"echo"}`)
		}, "c1 received no reply to its request 1\neddytest: the last 100 messages:\n0s c1 -> n1 {\"type\":\"echo\",\"msg_id\":1} lost"},
		"no message": {func(net *eddytest.Net) { net.Client("c1").Receive() }, "c1 received no message"},
		"no object":  {func(net *eddytest.Net) { net.Client("c1").Request("n1", "[]") }, "c1 cannot send this body"},
		"no type":    {func(net *eddytest.Net) { net.Client("c1").Send("n1", struct{}{}) }, "c1 cannot send this body: body.type is missing"},
		"no JSON":    {func(net *eddytest.Net) { net.Client("c1").Send("n1", func() {}) }, "c1 cannot send this body: json: unsupported type"},
		"two of a name": {func(net *eddytest.Net) {
			net.Client("c1")
			net.Client("c1")
		}, "the name c1 is taken"},
		"no such node": {func(net *eddytest.Net) { net.Stop("n1") }, "there is no node n1"},
		"refused init": {func(net *eddytest.Net) {
			n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
			n.OnInit(func(context.Context) error { return errors.New("no disk") })
			net.Start("n1", n)
		}, "the reply of n1 to init is {\"type\":\"error\",\"code\":13,\"text\":\"no disk\""},
		"junk": {func(net *eddytest.Net) { net.Join("n1").Write([]byte("hello\n")) }, "n1 wrote an invalid message: not JSON"},
		"no body": {func(net *eddytest.Net) {
			net.Join("n1").Write([]byte(`{"src":"n1","dest":"n2"}` + "\n"))
		}, "body is missing"},
		"another name": {func(net *eddytest.Net) {
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
				if !r.failed || !strings.Contains(r.log.String(), test.want) {
					t.Errorf("the log is\n%s\nwant\n%s", r.log.String(), test.want)
				}
			})
		})
	}
}

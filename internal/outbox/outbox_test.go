package outbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy/internal/wire"
)

// A gate is a writer whose Writes wait until the test lets them through.
type gate struct {
	open    chan error
	written strings.Builder
	writes  int
}

func (g *gate) Write(p []byte) (int, error) {
	if err := <-g.open; err != nil {
		return 0, err
	}
	g.writes++
	return g.written.Write(p)
}

// A counter is a Watcher that counts the calls of its methods.
type counter struct {
	flushing, flushed int
	err               error
}

func (c *counter) Flushing()        { c.flushing++ }
func (c *counter) Flushed()         { c.flushed++ }
func (c *counter) failed(err error) { c.err = errors.Join(c.err, err) }

func opened(w *gate) (*Outbox, *counter) {
	o, c := new(Outbox), new(counter)
	o.Open(w, wire.Dialect{}, 0, c, c.failed)
	o.SetName("n1")
	return o, c
}

func body(t *testing.T, raw string) (text []byte, b *wire.Body) {
	b = new(wire.Body)
	text, err := b.Read([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return text, b
}

// add adds a one-way message of about size bytes.
func add(t *testing.T, o *Outbox, size int) {
	o.Send("n2", fmt.Sprintf(`"type":"t","text":%q`, strings.Repeat("x", size)))
}

func TestMessages(t *testing.T) {
	w := &gate{open: make(chan error, 1)}
	w.open <- nil
	o, _ := opened(w)
	o.Begin()
	o.Lock()
	text, b := body(t, `{"msg_id":7,"type":"read","key":1.0,"in_reply_to":3}`)
	o.Send("n2", `"type":"read","key":1.0`)
	id := o.Request("n2", `"type":"read","key":1.0`, false, 0, false)
	second := o.Request("n2", `"type":"read"`, true, 1200*time.Millisecond, true)
	kept := o.Reply(To{Src: "c1", ID: 4}, "read_ok", text, b, true)
	o.ReplyFields(To{Src: "c2", ID: 5}, kept)
	failed := o.Error(To{Src: "c1", ID: 6}, 11, "busy", 1500*time.Microsecond, true)
	o.Raw("n3", []byte(`{"type":"raw","msg_id":9}`))
	o.Unlock()
	o.End()
	want := `{"src":"n1","dest":"n2","body":{"type":"read","key":1.0}}
{"src":"n1","dest":"n2","body":{"type":"read","key":1.0,"msg_id":0}}
{"src":"n1","dest":"n2","body":{"type":"read","deadline_ms":1200,"retry":true,"msg_id":1}}
{"src":"n1","dest":"c1","body":{"type":"read_ok","key":1.0,"in_reply_to":4,"msg_id":2}}
{"src":"n1","dest":"c2","body":{"type":"read_ok","key":1.0,"in_reply_to":5,"msg_id":3}}
{"src":"n1","dest":"c1","body":{"type":"error","code":11,"text":"busy","retry_after_ms":2,"in_reply_to":6,"msg_id":4}}
{"src":"n1","dest":"n3","body":{"type":"raw","msg_id":9}}
`
	if got := w.written.String(); got != want || w.writes != 1 {
		t.Errorf("%d writes:\n%s", w.writes, got)
	}
	if id != 0 || second != 1 || o.LastID() != 4 || o.Added() != 7 {
		t.Errorf("ids %d, %d, %d; %d added", id, second, o.LastID(), o.Added())
	}
	if string(kept) != `"type":"read_ok","key":1.0` || string(failed) != `"type":"error","code":11,"text":"busy","retry_after_ms":2` {
		t.Errorf("kept %s and %s", kept, failed)
	}
}

// Before the node has a name, the src of a reply is the dest of the request.
func TestReplyWithoutAName(t *testing.T) {
	w := &gate{open: make(chan error, 1)}
	w.open <- nil
	o := new(Outbox)
	c := new(counter)
	o.Open(w, wire.Dialect{Spaced: true}, 0, c, c.failed)
	o.Begin()
	o.Lock()
	o.Error(To{Src: "c1", ID: 1, Dest: "n7"}, 11, "no", 0, false)
	o.Unlock()
	o.End()
	if want := `{"src": "n7", "dest": "c1", "body": {"type": "error", "code": 11, "text": "no", "in_reply_to": 1, "msg_id": 0}}` + "\n"; w.written.String() != want {
		t.Error(w.written.String())
	}
}

// Messages that are added during a Write are written by the next one. The goroutine that adds
// them does not wait.
func TestOneWriteAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &gate{open: make(chan error)}
		o, c := opened(w)
		o.Lock()
		add(t, o, 1)
		o.Flush()
		o.Unlock()
		synctest.Wait()
		for range 10 {
			o.Lock()
			add(t, o, 1)
			o.Flush()
			o.Unlock()
		}
		if c.flushing != 1 || c.flushed != 0 || o.Idle() {
			t.Errorf("%+v", c)
		}
		w.open <- nil
		w.open <- nil
		synctest.Wait()
		if w.writes != 2 || strings.Count(w.written.String(), "\n") != 11 || !o.Idle() || c.flushed != 2 {
			t.Errorf("%d writes, %+v", w.writes, c)
		}
	})
}

// With FlushAtOnce a message is written when Flush returns, unless a goroutine will call End.
func TestFlushAtOnce(t *testing.T) {
	w := &gate{open: make(chan error)}
	close(w.open)
	o, _ := opened(w)
	o.Lock()
	defer o.Unlock()
	o.FlushAtOnce(true)
	add(t, o, 1)
	o.Flush()
	if w.writes != 1 {
		t.Errorf("%d writes", w.writes)
	}
	o.Unlock()
	o.Begin()
	o.Lock()
	add(t, o, 1)
	o.Flush()
	if w.writes != 1 {
		t.Errorf("%d writes before End", w.writes)
	}
	o.Unlock()
	o.End()
	o.Lock()
	if w.writes != 2 {
		t.Errorf("%d writes after End", w.writes)
	}
}

// Every goroutine that waits for room gets it, and the buffer does not grow beyond its limit.
func TestWaitForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &gate{open: make(chan error)}
		o, _ := opened(w)
		var done sync.WaitGroup
		for range 1000 {
			done.Go(func() {
				o.LockWithRoom()
				if len(o.buf) >= room {
					t.Error("there is no room")
				}
				add(t, o, 1000)
				o.Flush()
				o.Unlock()
			})
		}
		synctest.Wait()
		if max := 2*room + 2000; len(o.buf) > max {
			t.Errorf("%d bytes wait", len(o.buf))
		}
		close(w.open)
		done.Wait()
		synctest.Wait()
		if n := strings.Count(w.written.String(), "\n"); n != 1000 {
			t.Errorf("%d messages", n)
		}
	})
}

// LockWithRoomOr waits for room no longer than its context, also if a Write blocks.
func TestWaitForRoomOrContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &gate{open: make(chan error)}
		o, _ := opened(w)
		o.Lock()
		add(t, o, room)
		o.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		o.LockWithRoomOr(ctx)
		add(t, o, room) // the message before is being written
		o.Unlock()
		o.LockWithRoomOr(ctx)
		if took := time.Since(begun); took != time.Second || !o.Full() {
			t.Errorf("returned after %v, full %v", took, o.Full())
		}
		o.Unlock()
		close(w.open)
	})
}

// After a Write has failed nothing is written, and failed is called once.
func TestWriteFails(t *testing.T) {
	broken := errors.New("broken")
	w := &gate{open: make(chan error, 1)}
	w.open <- broken
	o, c := opened(w)
	for range 3 {
		o.Begin()
		o.LockWithRoom()
		add(t, o, room)
		o.Unlock()
		o.End()
	}
	if c.err == nil || c.err.Error() != "broken" || o.Err() != broken || w.writes != 0 || c.flushed != 3 {
		t.Errorf("%+v, %v", c, o.Err())
	}
}

// Close ends the waiting for room, and waits until what was added before is written, but no
// longer than its context.
func TestClose(t *testing.T) {
	for _, stuck := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := &gate{open: make(chan error)}
			o, _ := opened(w)
			o.Lock()
			add(t, o, room)
			o.Unlock()
			var waiting sync.WaitGroup
			for range 10 {
				waiting.Go(func() {
					o.LockWithRoom()
					o.Unlock()
				})
			}
			synctest.Wait()
			if !stuck {
				go func() { time.Sleep(300 * time.Millisecond); close(w.open) }()
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			begun := time.Now()
			o.Close(ctx)
			want := 300 * time.Millisecond
			if stuck {
				want = time.Second
			}
			if took := time.Since(begun); took != want || stuck != (w.writes == 0) {
				t.Errorf("stuck %v: closed after %v, %d writes", stuck, took, w.writes)
			}
			if stuck {
				close(w.open)
			}
			waiting.Wait()
		})
	}
}

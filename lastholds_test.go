package eddy

import (
	"io"
	"log/slog"
	"runtime"
	"strings"
	"testing"
)

type nowhere struct{ strings.Builder }

func (*nowhere) Read([]byte) (int, error) { return 0, io.EOF }

// The reader has told of the end of one call of a request, as reply does, but not yet
// asked whether the request may be used again, when another goroutine tells of the end
// of the last and answers.
func TestRequestThatIsBeingLetGo(t *testing.T) {
	n := &Node{Log: slog.New(slog.DiscardHandler)}
	n.prepare(new(nowhere))
	n.self.Store(&identity{id: "n1"})
	r := n.reader.rooms.take()
	n.reader.rooms.latest = room{}
	r.handler, r.Src, r.ID, r.turn = &handler{node: n, name: "fan", inline: true}, "c1", 1, inlineKept
	r.state.Store(2 | hasCalled)
	n.active.Store(1)
	nothing := func(*Request, Message, int, error) {}
	read := &call{Owner: owner{r, nothing}}

	n.end(read, Message{}, nil) // reply, on the reader
	n.mu.Lock()
	let := make(chan struct{})
	go func() { // tellOf, when the other call has met silence
		defer close(let)
		n.end(&call{Owner: owner{r, nothing}}, Message{}, Timeout)
	}()
	for r.state.Load()&isAnswered == 0 { // it is about to write 13
		runtime.Gosched()
	}
	n.reader.rooms.give(read) // reply's last step
	if n.reader.rooms.take() == r {
		t.Error("the request serves again while its answer is being written")
	}
	n.mu.Unlock()
	<-let
}

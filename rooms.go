package eddy

import "sync/atomic"

// A room is memory for an inline handler's request and a call: most requests are over
// without a call, or when that has been answered, and then the next may have it.
type room struct {
	request *Request
	call    *call
}

// rooms are those that are free. They save a relay four fifths of its memory
// (BenchmarkRelay in cmd/relay). Who reads messages guards them, all but call.
type rooms struct {
	request *Request             // the latest, until it is known to be kept
	call    atomic.Pointer[call] // whoever takes it out has it
	free    []room
}

// maxRooms may be free: as many calls as are open at once as a rule.
const maxRooms = 1024

// take is memory for a request.
func (s *rooms) take() *Request {
	if s.request != nil {
		return s.request
	}
	if last := len(s.free) - 1; last >= 0 {
		s.request = s.free[last].request
		s.call.Store(s.free[last].call)
		s.free[last] = room{}
		s.free = s.free[:last]
	} else {
		both := new(struct {
			request Request
			call    call
		})
		s.request = &both.request
		s.call.Store(&both.call)
	}
	return s.request
}

// forCall is memory for a call of this request, nil if there is none. Any goroutine
// may ask.
func (s *rooms) forCall(r *Request) *call {
	if !r.inline() {
		return nil
	}
	return s.call.Swap(nil)
}

// leave is told that the latest request's handler has returned.
func (s *rooms) leave(r *Request) {
	if s.call.Load() == nil || !r.onlyHandler() {
		s.request = nil // a call of its may be in use, or in an error that somebody keeps
	}
}

// give makes a room of a call that has just been answered and its request, whose last
// hold was the call's.
func (s *rooms) give(r *Request, c *call) {
	if !r.inline() || r.state.Load()&hasRetried != 0 || len(s.free) == maxRooms {
		return
	}
	r.Body = nil
	*c = call{}
	s.free = append(s.free, room{r, c})
}

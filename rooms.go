package eddy

// A room is memory for an inline handler's request and the first call that is made for
// it: most requests are over without a call, or when that has been answered, and then
// the next may have it. Who reads messages guards it.
type room struct {
	request *Request
	call    *call
}

// rooms are those that are free. They save a relay four fifths of its memory
// (BenchmarkRelay in cmd/relay).
type rooms struct {
	latest room // of the latest request, until it is known to be kept
	free   []room
}

// maxRooms may be free: as many calls as are open at once as a rule.
const maxRooms = 1024

// take is the request of a room, which is the latest then.
func (s *rooms) take() *Request {
	if s.latest.request != nil {
		return s.latest.request
	}
	if last := len(s.free) - 1; last >= 0 {
		s.latest = s.free[last]
		s.free = s.free[:last]
	} else {
		both := new(struct {
			request Request
			call    call
		})
		s.latest = room{&both.request, &both.call}
	}
	return s.latest.request
}

// give makes a room of a call that has just been answered and its request, if nobody
// can have anything to do with them any more.
func (s *rooms) give(c *call) {
	r := c.Owner.request
	if r == nil || !r.inline() || r.state.Load()&(holds|hasRetried) > 0 || len(s.free) == maxRooms {
		return
	}
	r.Body = nil
	*c = call{}
	s.free = append(s.free, room{r, c})
}

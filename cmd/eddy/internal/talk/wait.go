package talk

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/shorthand"
)

const (
	// maxWait is how long a session waits for the reply to init, in `wait` for all
	// replies, and in `reply` for a request.
	maxWait = 10 * time.Second

	// quietWait is how long `reply` waits before it says what it waits for.
	quietWait = time.Second
)

// A wait delays the lines that were typed.
type wait struct {
	until   func() bool
	timer   *time.Timer
	then    func() // called when until returns true
	expired func() // called when the timer fires first
}

// wait delays all typed lines until a condition holds, at most for d.
func (s *session) wait(d time.Duration, w wait) {
	if s.hungUp {
		s.end() // the person has left
		return
	}
	w.timer = time.NewTimer(d)
	s.waiting = &w
}

func (s *session) stopWaiting() *wait {
	w := s.waiting
	s.waiting = nil
	if w != nil {
		w.timer.Stop()
	}
	return w
}

func (s *session) takeWait(d time.Duration) {
	if d > 0 {
		nothing := func() {}
		s.wait(d, wait{until: func() bool { return false }, expired: nothing})
		return
	}
	s.wait(maxWait, wait{
		until:   func() bool { return s.requests.pending == 0 },
		then:    func() {},
		expired: func() { s.expire(maxWait) },
	})
}

// expire ends the wait for replies and says which requests have none.
func (s *session) expire(after time.Duration) {
	var missing []string
	for r, open := range s.requests.expire() {
		missing = append(missing, fmt.Sprintf("%s's %s #%d",
			shorthand.ShowName(r.client), shorthand.ShowName(open.typ), r.id))
	}
	slices.Sort(missing)
	const most = 5
	if n := len(missing); n > most {
		missing = append(missing[:most], fmt.Sprintf("%d more", n-most))
	}
	s.screen.warn("no reply within %v to %s", after, strings.Join(missing, ", "))
}

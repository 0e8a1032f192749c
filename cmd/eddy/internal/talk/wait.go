package talk

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/shorthand"
)

const (
	// patience is how long a session waits for something that was asked for:
	// an answer to init, `wait` for all answers, `answer` for a request.
	patience = 10 * time.Second

	// silence is how long it does so without a word, where nothing on the screen
	// says what is waited for.
	silence = time.Second
)

// A wait holds typed lines back.
type wait struct {
	until   func() bool
	timer   *time.Timer
	then    func() // when until is true
	expired func() // when time is up before
}

// wait takes no typed line until the condition holds, for at most d.
func (s *session) wait(d time.Duration, w wait) {
	if s.hungUp {
		s.end() // who typed it is gone
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
	s.wait(patience, wait{
		until:   func() bool { return s.account.pending == 0 },
		then:    func() {},
		expired: func() { s.giveUp(patience) },
	})
}

// giveUp says which requests have no answer, and hopes for none any more.
func (s *session) giveUp(after time.Duration) {
	var missing []string
	for r, open := range s.account.giveUp() {
		missing = append(missing, fmt.Sprintf("%s's %s #%d",
			shorthand.ShowName(r.client), shorthand.ShowName(open.typ), r.id))
	}
	slices.Sort(missing)
	const most = 5
	if n := len(missing); n > most {
		missing = append(missing[:most], fmt.Sprintf("%d more", n-most))
	}
	s.screen.complain("no answer within %v to %s", after, strings.Join(missing, ", "))
}

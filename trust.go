package eddy

import (
	"sync/atomic"
	"time"
)

const (
	stallTime     = 5 * time.Millisecond // a handler that takes this long stalls
	patience      = 4                    // times as long until a trusted type is stepped over: its thread may just not have run
	tooManyStalls = 3                    // make a type run on goroutines of its own
	quickBetween  = 16                   // runs in a row clear those stalls that were too few
	enoughQuick   = 1000                 // make a type trusted again, or tried again if they wait for calls
)

// A trust says how far a type of messages is trusted not to stall. A trusted
// type runs where its messages are read, and costs nothing. One that was seen
// stalling is suspected: its runs are timed. One that stalls again and again
// starts on goroutines of its own, or requests that sleep 8 ms each would be
// served one after another, though nothing but the reading keeps them apart.
type trust struct {
	level  atomic.Int32
	calls  atomic.Bool  // its handlers wait for calls
	stalls atomic.Int32 // with less than quickBetween runs between them
	quick  atomic.Int32 // runs in a row since the last
}

const (
	trusted int32 = iota
	suspected
	distrusted
)

func (t *trust) trusted() bool    { return t.level.Load() == trusted }
func (t *trust) distrusted() bool { return t.level.Load() == distrusted }

// waits notes that a run waits for a call.
func (t *trust) waits() {
	if !t.calls.Load() {
		t.calls.Store(true)
	}
}

// waited notes a run on a goroutine of its own that has waited for a call: whether it
// would have stalled nobody can tell. After enough of them the type is tried again, as
// one that has stalled just not too often.
func (t *trust) waited() {
	if t.distrusted() && t.quick.Add(1) >= enoughQuick {
		t.quick.Store(0)
		t.stalls.Store(tooManyStalls - 1)
		t.level.Store(suspected)
	}
}

// mayWait reports that its runs are better on coroutines.
func (t *trust) mayWait() bool { return t.calls.Load() && !t.distrusted() && goroutine() != 0 }

// suspect is called for a run that has taken stallTime and is not over yet. Who
// looks only now and then sees some of those, and one of them is enough to time
// the runs to come.
func (t *trust) suspect() { t.level.CompareAndSwap(trusted, suspected) }

// stalled notes a run that stalled.
func (t *trust) stalled() {
	t.quick.Store(0)
	if t.stalls.Add(1) >= tooManyStalls {
		t.level.Store(distrusted)
	} else {
		t.suspect()
	}
}

// ran notes how long a run took.
func (t *trust) ran(took time.Duration) {
	if took >= stallTime {
		t.stalled()
		return
	}
	switch quick := t.quick.Add(1); {
	case quick >= enoughQuick:
		t.quick.Store(0)
		t.stalls.Store(0)
		t.level.Store(trusted)
	case quick >= quickBetween && !t.distrusted():
		t.stalls.Store(0)
	}
}

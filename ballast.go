package eddy

import (
	"math"
	"runtime/debug"
	"sync"
)

// Ballast is memory that is never touched, so that the system never provides it, and
// that makes the garbage collector run less often: it does each time that as much has
// been allocated as is in use. That is dear when many requests are open: nothing of
// theirs is garbage, and a handler that waits is a stack, much dearer to look at than
// it is large. A process in which so many have been open at once has the ballast, for
// good; the price is that as much more garbage may lie about. One whose memory is
// limited (GOMEMLIMIT) has none, for it would count.
var (
	waitBallast = sync.OnceValue(func() []byte { return ballast(8 << 20) })   // bench, relay and open, eddy-blocking
	keptBallast = sync.OnceValue(func() []byte { return ballast(64 << 20) })  // bench, silence
	moreBallast = sync.OnceValue(func() []byte { return ballast(128 << 20) }) // bench, storm
)

const (
	manyWait = 64      // handlers that wait are worth waitBallast
	manyKept = 1 << 15 // requests that inline handlers have left open are worth keptBallast, 2 KiB for each
	moreKept = 1 << 18 // are worth moreBallast too, which makes it 3/4 of a KiB
)

// holdBallast is told how many requests are open, one of which an inline handler has
// just left so.
func holdBallast(open int64) {
	if open >= manyKept {
		keptBallast()
	}
	if open >= moreKept {
		moreBallast()
	}
}

func ballast(size int) []byte {
	if debug.SetMemoryLimit(-1) < math.MaxInt64 {
		return nil
	}
	return make([]byte, size)
}

package eddy

import "sync"

// Ballast is memory that is never touched, so that the system never provides it, and
// that makes the garbage collector run less often: it does each time that as much has
// been allocated as is in use, and a handler that waits is much dearer to look at, a
// stack, than it is large. A process in which many wait at once has it, once; it costs
// that some more garbage lies about, and counts towards GOMEMLIMIT (bench, relay and
// open, eddy-blocking).
var ballast = sync.OnceValue(func() []byte { return make([]byte, 8<<20) })

// manyWait is how many open requests make it worth having.
const manyWait = 64

//go:build !unix

package cluster

// CanPause says whether this system knows how to hold a process still.
// Windows does so only by a call that it doesn't document; that was declined.
const CanPause = false

func (g *group) pause()  {}
func (g *group) resume() {}

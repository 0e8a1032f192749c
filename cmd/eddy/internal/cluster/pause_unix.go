//go:build unix

package cluster

import "syscall"

// CanPause says whether this system knows how to hold a process still.
const CanPause = true

func (g *group) pause()  { syscall.Kill(-g.id, syscall.SIGSTOP) }
func (g *group) resume() { syscall.Kill(-g.id, syscall.SIGCONT) }

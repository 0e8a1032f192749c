//go:build unix

package cluster

import (
	"os"
	"syscall"
)

// A group is the process group that a process leads.
type group struct{ id int }

// groupAttr makes a process the leader of a new group. Pdeathsig was declined:
// it is Linux's alone and tied to a thread; a node whose tester vanishes meets
// the end of its input.
func groupAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func newGroup(leader *os.Process) *group { return &group{leader.Pid} }

// An error means that nobody is left in the group, which is what we want.
func (g *group) terminate() { syscall.Kill(-g.id, syscall.SIGTERM) }
func (g *group) kill()      { syscall.Kill(-g.id, syscall.SIGKILL) }
func (g *group) release()   {}

// CanPause says that this system can stop a process and let it go on.
const CanPause = true

func (g *group) pause() error  { return syscall.Kill(-g.id, syscall.SIGSTOP) }
func (g *group) resume() error { return syscall.Kill(-g.id, syscall.SIGCONT) }

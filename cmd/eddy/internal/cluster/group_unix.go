//go:build unix

package cluster

import (
	"os"
	"syscall"
)

// A group is the process group that a process leads.
type group struct{ id int }

// groupAttr makes a process the leader of a new group. It does not set Pdeathsig,
// which exists only on Linux and depends on a thread. If this program is killed,
// its nodes read the end of their input.
func groupAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func newGroup(leader *os.Process) *group { return &group{leader.Pid} }

// The errors are ignored: they mean that the group has no process left.
func (g *group) terminate() { syscall.Kill(-g.id, syscall.SIGTERM) }
func (g *group) kill()      { syscall.Kill(-g.id, syscall.SIGKILL) }
func (g *group) release()   {}

// CanPause reports whether this system can pause a process.
const CanPause = true

func (g *group) pause() error  { return syscall.Kill(-g.id, syscall.SIGSTOP) }
func (g *group) resume() error { return syscall.Kill(-g.id, syscall.SIGCONT) }

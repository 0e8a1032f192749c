package cluster

import (
	"errors"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// A group is a job object that contains a process and all processes that it
// starts. They end when the last handle of the job is closed, also if this program
// is killed.
//
// A child that the process starts before it is added to the job is not in the job.
type group struct {
	leader *os.Process
	job    windows.Handle // 0 if there is none
}

func groupAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

func newGroup(leader *os.Process) *group {
	g := &group{leader: leader}
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return g
	}
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	limits.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	if err == nil {
		var assigned error
		err = leader.WithHandle(func(handle uintptr) {
			assigned = windows.AssignProcessToJobObject(job, windows.Handle(handle))
		})
		if err == nil {
			err = assigned
		}
	}
	if err != nil {
		windows.CloseHandle(job)
		return g
	}
	g.job = job
	return g
}

func (g *group) terminate() {
	windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(g.leader.Pid))
}

func (g *group) kill() {
	if g.job != 0 {
		windows.TerminateJobObject(g.job, 1)
	}
	g.leader.Kill() // it may not be in a job
}

func (g *group) release() {
	if g.job != 0 {
		windows.CloseHandle(g.job)
		g.job = 0
	}
}

// CanPause reports whether this system can pause a process. Windows has no
// documented way.
const CanPause = false

func (g *group) pause() error  { return errors.ErrUnsupported }
func (g *group) resume() error { return errors.ErrUnsupported }

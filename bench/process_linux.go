package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

// cpuTime reads the CPU clock of the process (clock_getcpuclockid(3)). It counts in
// nanoseconds and includes threads that have ended; /proc/<pid>/stat counts in hundredths
// of a second.
func cpuTime(pid int) time.Duration {
	const cpuClockSched = 2
	clock := uintptr(^pid<<3 | cpuClockSched)
	var t syscall.Timespec
	if _, _, e := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&t)), 0); e != 0 {
		return 0
	}
	return time.Duration(t.Nano())
}

func memoryOf(pid int) Memory {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	rollup, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	return Memory{
		RSS:  kilobytes(status, "\nVmRSS:"),
		Peak: kilobytes(status, "\nVmHWM:"),
		PSS:  kilobytes(rollup, "\nPss:"),
	}
}

// kilobytes finds "name:   123 kB" and returns it in bytes.
func kilobytes(text []byte, name string) float64 {
	_, rest, ok := bytes.Cut(text, []byte(name))
	if !ok {
		return math.NaN()
	}
	number, _, _ := bytes.Cut(bytes.TrimLeft(rest, " \t"), []byte(" "))
	kb, err := strconv.ParseFloat(string(number), 64)
	if err != nil {
		return math.NaN()
	}
	return kb * 1024
}

func resizePipe(f *os.File, size int) error {
	const setPipeSize = 1031 // F_SETPIPE_SZ
	if _, _, e := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), setPipeSize, uintptr(size)); e != 0 {
		return fmt.Errorf("making the pipe %d bytes large: %w", size, e)
	}
	return nil
}

// sleep waits without a Go timer.
func sleep(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	syscall.Nanosleep(&t, nil)
}

package eddy

import (
	"os"
	"syscall"
)

const widePipe = 128 << 10 // twice what Linux gives a pipe, see pipe(7)

const ( // of fcntl(2), which package syscall lacks
	setPipeSize = 1031
	getPipeSize = 1032
)

// widen enlarges a pipe. What is none, or is large enough, stays as it is; so does
// one whose user has too many pages in pipes (/proc/sys/fs/pipe-user-pages-soft).
func widen(f *os.File) {
	conn, err := f.SyscallConn()
	if err != nil {
		return
	}
	conn.Control(func(fd uintptr) {
		if size, _, err := syscall.Syscall(syscall.SYS_FCNTL, fd, getPipeSize, 0); err == 0 && size < widePipe {
			syscall.Syscall(syscall.SYS_FCNTL, fd, setPipeSize, widePipe)
		}
	})
}

package eddy

import (
	"os"
	"syscall"
)

// See pipe(7).
const (
	usualPipe = 64 << 10 // bytes
	widePipe  = 2 * usualPipe
)

const ( // of fcntl(2), which package syscall lacks
	setPipeSize = 1031
	getPipeSize = 1032
)

// widen enlarges a pipe of the usual size. One of another size was made so on purpose;
// one whose user has too many pages in pipes (/proc/sys/fs/pipe-user-pages-soft) stays
// as it is.
func widen(f *os.File) {
	conn, err := f.SyscallConn()
	if err != nil {
		return
	}
	conn.Control(func(fd uintptr) {
		if size, _, err := syscall.Syscall(syscall.SYS_FCNTL, fd, getPipeSize, 0); err == 0 && size == usualPipe {
			syscall.Syscall(syscall.SYS_FCNTL, fd, setPipeSize, widePipe)
		}
	})
}

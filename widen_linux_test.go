package eddy

import (
	"os"
	"syscall"
	"testing"
)

// A pipe of the test's.
func pipe(t *testing.T) (r, w *os.File) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func pipeSize(t *testing.T, f *os.File) uintptr {
	size, _, err := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), getPipeSize, 0)
	if err != 0 {
		t.Fatal(err)
	}
	return size
}

func TestPipesAreWidenedOnceTheInputWasFull(t *testing.T) {
	in, toIn := pipe(t)
	_, out := pipe(t)
	s := &stdio{in: in, out: out}
	if size := pipeSize(t, in); size != usualPipe {
		t.Skip("a pipe has ", size, " bytes here")
	}
	buf := make([]byte, usualPipe)
	for _, step := range []struct{ write, want uintptr }{{usualPipe - 1, usualPipe}, {usualPipe, widePipe}} {
		if _, err := toIn.Write(buf[:step.write]); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Read(buf); uintptr(n) != step.write || err != nil {
			t.Fatalf("read %d, %v", n, err)
		}
		if i, o := pipeSize(t, in), pipeSize(t, out); i != step.want || o != step.want {
			t.Errorf("pipes of %d and %d bytes after a read of %d, want %d", i, o, step.write, step.want)
		}
	}
}

// What is no pipe, or one of another size, is left alone.
func TestOnlyUsualPipesAreWidened(t *testing.T) {
	in, err := os.Open("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for _, size := range []uintptr{4 << 10, 4 * widePipe} {
		_, out := pipe(t)
		if _, _, err := syscall.Syscall(syscall.SYS_FCNTL, out.Fd(), setPipeSize, size); err != 0 {
			t.Skip("no pipe may have ", size, " bytes: ", err)
		}
		s := &stdio{in: in, out: out}
		if n, err := s.Read(make([]byte, 10)); n != 10 || err != nil {
			t.Fatalf("read %d, %v", n, err)
		}
		if got := pipeSize(t, out); !s.widened || got != size {
			t.Errorf("widened is %v, and a pipe of %d bytes has %d", s.widened, size, got)
		}
	}
}

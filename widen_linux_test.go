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
	narrow := pipeSize(t, in)
	if narrow >= widePipe {
		t.Skip("a pipe has ", narrow, " bytes here")
	}
	buf := make([]byte, narrow)
	for _, step := range []struct{ write, want uintptr }{{narrow - 1, narrow}, {narrow, widePipe}} {
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

// What is no pipe, or a larger one, is left alone.
func TestOnlyNarrowPipesAreWidened(t *testing.T) {
	in, err := os.Open("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	_, out := pipe(t)
	const larger = 4 * widePipe
	if _, _, err := syscall.Syscall(syscall.SYS_FCNTL, out.Fd(), setPipeSize, larger); err != 0 {
		t.Skip("no pipe may be that large: ", err)
	}
	s := &stdio{in: in, out: out}
	if n, err := s.Read(make([]byte, 10)); n != 10 || err != nil {
		t.Fatalf("read %d, %v", n, err)
	}
	if !s.widened || pipeSize(t, out) != larger {
		t.Errorf("widened is %v, the output's pipe has %d bytes", s.widened, pipeSize(t, out))
	}
}

package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/eddyrpc/eddy/internal/longtest"
)

// imageDir returns a directory with the files of the image, built and copied as the
// Containerfile says. What every container has in /dev is there, too.
func imageDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for to, from := range copied(t) {
		to = filepath.Join(dir, to)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(from, "./cmd/") {
			build := exec.Command("go", "build", "-o", to, "-trimpath", "-ldflags", "-s -w", "../../"+from)
			build.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			continue
		}
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, empty := range []string{"dev", "srv/eddy"} {
		if err := os.MkdirAll(filepath.Join(dir, empty), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "dev/null"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The programs of the image run with nothing but its files, as a user without rights.
func TestImageRuns(t *testing.T) {
	if !longtest.On {
		t.Skip("it builds eddy without cgo")
	}
	t.Parallel()
	dir := imageDir(t)
	for _, run := range []struct{ args, stdin, want string }{
		{"help", "", "Usage: eddy <command>"},
		{"talk --time none -- relay", "echo hi\n", "echo_ok"},
	} {
		cmd := exec.Command("/usr/local/bin/eddy", strings.Fields(run.args)...)
		cmd.Env, cmd.Dir, cmd.Stdin = []string{"PATH=/usr/local/bin"}, "/srv/eddy", strings.NewReader(run.stdin)
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Chroot: dir, Cloneflags: syscall.CLONE_NEWUSER, Credential: &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: true},
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 65534, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 65534, HostID: os.Getgid(), Size: 1}},
		}
		out, err := cmd.CombinedOutput()
		if errors.Is(err, fs.ErrPermission) {
			t.Skipf("this machine allows no user namespaces: %v", err)
		}
		if err != nil || !strings.Contains(string(out), run.want) {
			t.Errorf("eddy %s: %v, no %q in\n%s", run.args, err, run.want, out)
		}
	}
}

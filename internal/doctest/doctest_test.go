package doctest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const page = "Run `./eddy test --bin x` or `go vet ./...`; `eddy up` is only a name.\n" +
	"\n" +
	"```sh\n" +
	"echo one\n" +
	"echo two\n" +
	"```\n" +
	"\n" +
	"    go run .\n" +
	"    not a command\n" +
	"\n" +
	"```sh not run\n" +
	"useradd x   # as root\n" +
	"```\n" +
	"\n" +
	"```text\n" +
	"$ cd x\n" +
	"```\n" +
	"\n" +
	"```sh until Ctrl-C\n" +
	"sh -c 'trap \"exit 0\" INT; echo nats://127.0.0.1:4567; while :; do sleep 0.01; done'\n" +
	"```\n" +
	"\n" +
	"```text\n" +
	"nats://127.0.0.1:1234\n" +
	"```\n" +
	"\n" +
	"```sh\n" +
	"echo it is nats://127.0.0.1:1234\n" +
	"```\n" +
	"\n" +
	"```sh with cat\n" +
	"echo it is installed\n" +
	"```\n" +
	"\n" +
	"```sh with no-such-program\n" +
	"exit 1\n" +
	"```\n"

func TestNotRun(t *testing.T) {
	want := []string{"./eddy test --bin x", "go vet ./...", "go run .", "useradd x", "cd x"}
	if got := NotRun(page); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte(page), 0o666); err != nil {
		t.Fatal(err)
	}
	want := []string{"one\ntwo\n", "nats://127.0.0.1:4567\n", "it is nats://127.0.0.1:4567\n", "it is installed\n"}
	if got := Run(t, path, t.TempDir()); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := strings.Join(Of(t, path, "text"), ""); got != "$ cd x\nnats://127.0.0.1:1234\n" {
		t.Errorf("%q", got)
	}
}

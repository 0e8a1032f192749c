package wasm

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// A C program blocks in fgets: there its virtual time passes.
func TestC(t *testing.T) {
	clang, err := exec.LookPath("clang")
	if err != nil {
		t.Skip("NOT TESTED: no clang; apt-get install clang lld wasi-libc libclang-rt-dev-wasm32")
	}
	file := t.TempDir() + "/lines.wasm"
	build := exec.Command(clang, "--target=wasm32-wasi", "--sysroot=/usr", "-O2", "-o", file, "testdata/lines/lines.c")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: clang cannot build for WASI; apt-get install lld wasi-libc libclang-rt-dev-wasm32\n%s", out)
	}
	program := compileModule(t, must(os.ReadFile(file)))
	defer program.Close(t.Context())
	p := program.Start(Config{Args: []string{"lines"}})
	defer p.Kill()
	p.Run(0)
	if wake, ok := p.Wake(); ok {
		t.Errorf("it wants to run at %v", wake)
	}
	line := `{"src":"c0","dest":"n1","body":{"type":"echo","msg_id":7}}` + "\n"
	p.Write([]byte(line + line))
	p.Run(1234 * time.Millisecond)
	reply := `{"src":"n1","dest":"c0","body":{"type":"echo_ok","in_reply_to":7,"ms":2234}}` + "\n"
	if got := string(join(p.Lines())); got != reply+reply {
		t.Errorf("it wrote %s", got)
	}
	p.Write([]byte("nothing"))
	p.CloseInput()
	p.Run(2 * time.Second)
	if code, ended := p.Exit(); code != 4 || !ended {
		t.Errorf("code %d, ended %v", code, ended)
	}
	if got := string(join(p.ErrorLines())); got != "no msg_id: nothing\n" {
		t.Errorf("standard error: %q", got)
	}
}

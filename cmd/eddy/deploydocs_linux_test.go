package main

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func init() {
	testNodes["relay"] = testNodes["node-member"]
	testNodes["nats-server"] = func() {
		flags := flag.NewFlagSet("nats-server", flag.ExitOnError)
		options, err := server.ConfigureOptions(flags, os.Args[1:], func() {}, func() {}, func() {})
		if err != nil {
			server.PrintAndDie(err.Error())
		}
		s, err := server.NewServer(options)
		if err != nil {
			server.PrintAndDie(err.Error())
		}
		s.ConfigureLogger()
		if err := server.Run(s); err != nil {
			server.PrintAndDie(err.Error())
		}
		s.WaitForShutdown()
	}
}

// The commands of docs/deploy.md run, all of them in one shell; only Linux has all of
// 127.0.0.0/8.
func TestDeployCommands(t *testing.T) {
	t.Parallel()
	_, blocks := deployDoc(t, "sh")
	script := "set -e\n" + strings.Join(blocks, "")
	// Another test of the same on this machine has other addresses, and so the same ports.
	script = strings.ReplaceAll(script, "127.0.0.", fmt.Sprintf("127.%d.%d.", 1+rand.IntN(250), rand.IntN(250)))
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir = t.TempDir()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that nothing of it stays
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	patience := time.AfterFunc(2*time.Minute, stop)
	defer patience.Stop()
	defer stop()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s%s", err, out.Bytes(), errs.Bytes())
	}
	for _, want := range []string{
		`"result":{"type":"echo_ok","echo":"hi"`, `"write_ok"`, "ok\n", "100 with a reply, 0 with an error reply, 0 without a reply",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s%s", want, out.Bytes(), errs.Bytes())
		}
	}
}

//go:build unix

package cluster

import (
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

var endSignals = []os.Signal{syscall.SIGTERM, syscall.SIGINT}

func init() {
	// A child in its own session is not in the group. It keeps the output open.
	programs["daemon"] = func() {
		child := exec.Command(os.Args[0], os.Args[1:]...)
		child.Env = append(os.Environ(), programVariable+"=child")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := child.Start(); err != nil {
			panic(err)
		}
		os.Stdout.WriteString("last words\n")
	}
}

func TestProcessIsDoneAlthoughAnOrphanKeepsItsOutputOpen(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	p, out := start(t, "daemon", Config{Args: []string{listener.Addr().String()}})
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() // ends the orphan
	if exit := p.Wait(); exit.String() != "exit status 0" {
		t.Errorf("%+v, %v", exit, exit)
	}
	out.check(t, Stdout, "last words")
}

// A paused process writes nothing, continues after Resume, and can be ended while it
// is paused.
func TestProcessPaused(t *testing.T) {
	p, out := start(t, "echo", Config{Grace: -1, TermGrace: 1 << 40})
	p.Send([]byte("a"))
	<-out.arrived
	p.Pause()
	p.Send([]byte("b"))
	p.Resume()
	<-out.arrived
	p.Pause()
	if exit := p.End(); exit.Forced != "SIGTERM" {
		t.Errorf("%+v, %v", exit, exit)
	}
	out.check(t, Stdout, "a", "b")
}

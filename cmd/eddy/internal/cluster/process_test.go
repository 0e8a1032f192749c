package cluster

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The test binary is also the program that the tests start. The environment variable
// selects one of programs.
const programVariable = "EDDY_CLUSTER_TEST_PROGRAM"

var programs = map[string]func(){
	"echo": func() {
		io.Copy(os.Stdout, os.Stdin)
		fmt.Fprintln(os.Stderr, "input ended")
	},
	"fail": func() {
		for i := range 9 {
			fmt.Fprintln(os.Stderr, "complaint", i)
		}
		fmt.Print("last words")
		os.Exit(3)
	},
	"hang": func() { // does not exit at the end of its input
		fmt.Println("ready")
		select {}
	},
	"ignore-sigterm": func() { // nor after SIGTERM
		signal.Ignore(endSignals...)
		fmt.Println("ready")
		select {}
	},
	"no-read": func() { // never reads its input
		fmt.Println("ready")
		select {}
	},
	"parent": func() { // leaves a child that keeps the output open
		child := exec.Command(os.Args[0], os.Args[1:]...)
		child.Env = append(os.Environ(), programVariable+"=child")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		ready, err := child.StdinPipe()
		if err == nil {
			err = child.Start()
		}
		if err != nil {
			panic(err)
		}
		// The child tells the test that it runs, and the test then closes this
		// program's input. ready stays open so that the child does not exit.
		io.Copy(io.Discard, os.Stdin)
		_ = ready
	},
	"child": func() {
		conn, err := net.Dial("tcp", os.Args[1])
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(conn, "running")
		io.Copy(io.Discard, conn) // until it is killed
	},
}

func TestMain(m *testing.M) {
	if program := programs[os.Getenv(programVariable)]; program != nil {
		program()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// output collects what a process writes.
type output struct {
	mu      sync.Mutex
	lines   map[Stream][]string
	arrived chan struct{} // receives a value for every line
}

// start starts one of programs.
func start(t *testing.T, program string, cfg Config) (*Process, *output) {
	t.Helper()
	out := &output{lines: map[Stream][]string{}, arrived: make(chan struct{}, 1000)}
	cfg.Program = os.Args[0]
	cfg.Env = append(os.Environ(), programVariable+"="+program,
		"GORACE=atexit_sleep_ms=0") // the race detector's exit takes a second
	cfg.Output = func(stream Stream, line Line) {
		out.mu.Lock()
		defer out.mu.Unlock()
		out.lines[stream] = append(out.lines[stream], string(line.Text))
		out.arrived <- struct{}{}
	}
	p, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill(); p.Wait() })
	return p, out
}

func (o *output) check(t *testing.T, stream Stream, want ...string) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if got := o.lines[stream]; !slices.Equal(got, want) {
		t.Errorf("%v: got %q, want %q", stream, got, want)
	}
}

func TestProcessEchoesAndEnds(t *testing.T) {
	p, out := start(t, "echo", Config{Grace: 1 << 40})
	for _, line := range []string{"a", "", "b"} {
		if err := p.Send([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	exit := p.End()
	if !exit.Clean() || exit.String() != "exit status 0" {
		t.Errorf("%+v, %v", exit, exit)
	}
	out.check(t, Stdout, "a", "", "b")
	out.check(t, Stderr, "input ended")
	if err := p.Send([]byte("c")); err == nil {
		t.Error("Send after the end has no error")
	}
	if again := p.End(); again != exit {
		t.Errorf("ending twice: %+v", again)
	}
}

func TestProcessExitsEarly(t *testing.T) {
	p, out := start(t, "fail", Config{})
	exit := p.Wait()
	if exit.Clean() || !exit.Early || exit.String() != "exit status 3" {
		t.Errorf("%+v, %v", exit, exit)
	}
	out.check(t, Stdout, "last words")
	want := []string{"complaint 4", "complaint 5", "complaint 6", "complaint 7", "complaint 8"}
	if got := p.StderrTail(); !slices.Equal(got, want) {
		t.Errorf("stderr's tail: %q", got)
	}
}

func TestProcessThatIgnoresTheEndOfItsInputIsTerminated(t *testing.T) {
	p, out := start(t, "hang", Config{Grace: -1, TermGrace: 1 << 40})
	<-out.arrived
	if exit := p.End(); exit.Forced != "SIGTERM" || exit.Clean() || exit.Early {
		t.Errorf("%+v, %v", exit, exit)
	}
}

func TestProcessThatIgnoresSIGTERMIsKilled(t *testing.T) {
	p, out := start(t, "ignore-sigterm", Config{Grace: -1, TermGrace: -1})
	<-out.arrived
	if exit := p.End(); exit.Forced != "SIGKILL" || exit.Clean() || exit.Early {
		t.Errorf("%+v, %v", exit, exit)
	}
}

// Send never blocks. AwaitQueued blocks until the process exits.
func TestProcessThatNeverReads(t *testing.T) {
	p, _ := start(t, "no-read", Config{})
	line := bytes.Repeat([]byte{'x'}, 1<<20)
	for range 4 {
		if err := p.Send(line); err != nil {
			t.Fatal(err)
		}
	}
	unblocked := make(chan struct{})
	go func() { p.AwaitQueued(1 << 20); close(unblocked) }()
	select {
	case <-unblocked:
		t.Error("AwaitQueued returned although nothing was read")
	default:
	}
	p.Kill()
	<-unblocked
	if exit := p.Wait(); exit.Forced != "SIGKILL" {
		t.Errorf("%+v, %v", exit, exit)
	}
}

func TestChildrenEndWithTheProcess(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	p, _ := start(t, "parent", Config{Args: []string{listener.Addr().String()}, Grace: 1 << 40})
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	child := bufio.NewReader(conn)
	if line, err := child.ReadString('\n'); line != "running\n" {
		t.Fatal(line, err)
	}
	if exit := p.End(); !exit.Clean() {
		t.Errorf("%+v, %v", exit, exit)
	}
	// The system closes the connections of a killed process, perhaps with a reset.
	if line, err := child.ReadString('\n'); err == nil {
		t.Errorf("the child still runs and writes %q", line)
	}
}

func TestProcessNotFound(t *testing.T) {
	for _, program := range []string{"./no-such-program", "no-such-program-in-path"} {
		if _, err := Start(Config{Program: program}); !errors.Is(err, os.ErrNotExist) && !errors.Is(err, exec.ErrNotFound) {
			t.Errorf("%s: %v", program, err)
		}
	}
}

func TestProcessLongLine(t *testing.T) {
	p, out := start(t, "echo", Config{MaxLine: 10, Grace: 1 << 40})
	p.Send([]byte(strings.Repeat("x", 100_000)))
	p.Send([]byte("short"))
	p.End()
	out.check(t, Stdout, strings.Repeat("x", 10), "short")
}

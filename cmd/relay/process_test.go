package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// The test binary is also the program under test. It is the relay if this variable is set.
const isRelay = "EDDY_TEST_IS_RELAY"

func TestMain(m *testing.M) {
	if os.Getenv(isRelay) != "" {
		main()
	}
	os.Exit(m.Run())
}

// patience is how long a test waits for something that must happen.
const patience = 60 * time.Second

const initLine = `{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]}}` + "\n"

// from returns a message to n1.
func from(src, body string, args ...any) string {
	return fmt.Sprintf(`{"src":%q,"dest":"n1","body":%s}`+"\n", src, fmt.Sprintf(body, args...))
}

func command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	// With -race a program would otherwise sleep for a second at its end.
	cmd.Env = append(os.Environ(), isRelay+"=1", "GORACE=atexit_sleep_ms=0")
	return cmd
}

// A process is a relay that runs.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    chan string // lines, closed at its end
	errs   chan string // likewise
	exited chan struct{}
}

// start starts a relay with these flags. It ends with the test.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: command(args...)}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.begin()
	var reading sync.WaitGroup
	p.out, p.errs = make(chan string, 1<<16), make(chan string, 1<<16)
	reading.Go(func() { scan(stdout, p.out) })
	reading.Go(func() { scan(stderr, p.errs) })
	go func() {
		reading.Wait()
		p.cmd.Wait()
		close(p.exited)
	}()
	return p
}

// begin starts the command, whose output has been set.
func (p *process) begin() {
	p.t.Helper()
	p.exited = make(chan struct{})
	in, err := p.cmd.StdinPipe()
	if err == nil {
		p.in = in
		err = p.cmd.Start()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.exited
	})
}

func scan(r io.Reader, to chan<- string) {
	defer close(to)
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			to <- line
		}
		if err != nil {
			return
		}
	}
}

func (p *process) send(lines ...string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, strings.Join(lines, "")); err != nil {
		p.t.Fatal(err)
	}
}

// next returns the next line of output, "" after the last.
func (p *process) next() string { return p.line(p.out) }

// nextLog returns the next line of standard error, "" after the last.
func (p *process) nextLog() string { return p.line(p.errs) }

func (p *process) line(from chan string) string {
	p.t.Helper()
	select {
	case line := <-from:
		return line
	case <-time.After(patience):
		p.t.Fatal("the relay writes nothing")
		return ""
	}
}

// want compares the next lines of output. They are given without the newline.
func (p *process) want(lines ...string) {
	p.t.Helper()
	for _, want := range lines {
		if got := strings.TrimSuffix(p.next(), "\n"); got != want {
			p.t.Fatalf("the relay wrote\n%s\nwant\n%s", got, want)
		}
	}
}

// wait waits until the relay has ended and returns its exit status.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatal("the relay does not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

// end ends the input and returns what else the relay writes.
func (p *process) end() (out, errs []string) {
	p.t.Helper()
	p.in.Close()
	if status := p.wait(); status != 0 {
		p.t.Errorf("exit status %d, want 0", status)
	}
	for line := range p.out {
		out = append(out, line)
	}
	for line := range p.errs {
		errs = append(errs, line)
	}
	return out, errs
}

// runRelay runs a relay with this input.
func runRelay(t *testing.T, input string, args ...string) (out, errs string, status int) {
	t.Helper()
	cmd := command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer timer.Stop()
	cmd.Wait()
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// A message is what tests look at in a line.
type message struct {
	Src, Dest string
	Body      struct {
		Type      string
		Code      *int
		Text      string
		ID        int64  `json:"msg_id"`
		InReplyTo *int64 `json:"in_reply_to"`
	}
}

func read(t *testing.T, line string) (m message) {
	t.Helper()
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		t.Fatalf("%v\n%s", err, line)
	}
	return m
}

// logged returns the lines of a JSON log with this message.
func logged(t *testing.T, lines []string, msg string) (found []map[string]any) {
	t.Helper()
	for _, line := range lines {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("the log is no JSON: %v\n%s", err, line)
		}
		if entry["msg"] == msg {
			found = append(found, entry)
		}
	}
	return found
}

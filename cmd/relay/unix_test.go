//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startWith starts a relay whose output goes to pipes, and returns the ends that the test
// reads.
func startWith(t *testing.T, args ...string) (p *process, stdout, stderr *os.File) {
	t.Helper()
	p = &process{t: t, cmd: command(args...)}
	pipe := func() (r, w *os.File) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		return r, w
	}
	stdout, outEnd := pipe()
	stderr, errEnd := pipe()
	p.cmd.Stdout, p.cmd.Stderr = outEnd, errEnd
	p.begin()
	outEnd.Close()
	errEnd.Close()
	go func() {
		p.cmd.Wait()
		close(p.exited)
	}()
	return p, stdout, stderr
}

// fill writes to the relay's input until a write has blocked for a while, and returns what
// is left. On a busy machine this may be too early. Then the test checks less, but does not
// fail.
func (p *process) fill(data string) (left string) {
	p.t.Helper()
	in := p.in.(*os.File)
	defer in.SetWriteDeadline(time.Time{})
	for data != "" {
		if err := in.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			p.t.Fatal(err)
		}
		n, err := io.WriteString(in, data[:min(len(data), 64<<10)])
		data = data[n:]
		if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			p.t.Fatal(err)
		}
	}
	return data
}

// If nobody reads the output, the relay stops reading its input, so that its memory stays
// bounded. Later all replies arrive in order.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	const requests, size = 4000, 16 << 10
	var input strings.Builder
	input.WriteString(initLine)
	zs := strings.Repeat("z", size)
	for i := range requests {
		input.WriteString(from("c1", `{"type":"echo","msg_id":%d,"echo":"%s"}`, i+2, zs))
	}
	p, stdout, stderr := startWith(t)
	go io.Copy(io.Discard, stderr)
	left := p.fill(input.String())
	if taken := input.Len() - len(left); taken > 8<<20 {
		t.Errorf("the relay read %d bytes while nobody read its output", taken)
	}
	go io.WriteString(p.in, left)
	lines := bufio.NewReader(stdout)
	for i := range requests + 1 {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("%v after %d lines", err, i)
		}
		tail := fmt.Sprintf(`"in_reply_to": %d, "msg_id": %d}}`+"\n", i+1, i)
		if !strings.HasSuffix(line, tail) {
			t.Fatalf("line %d ends with %q, want %q", i, line[max(0, len(line)-80):], tail)
		}
	}
	if peak := peakMemory(t, p.cmd.Process.Pid); peak > requests*size/2 {
		t.Errorf("the relay used %d bytes for %d bytes of messages", peak, requests*size)
	}
	p.in.Close()
	if status := p.wait(); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
}

// peakMemory returns the most memory that a process has used, 0 if the system does not say.
// After the end of the process the number would include the memory of this process before
// exec.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Log(err)
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kib int
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); err == nil {
			t.Logf("%d KiB", kib)
			return kib << 10
		}
	}
	return 0
}

func TestClosedOutput(t *testing.T) {
	t.Parallel()
	p, stdout, stderr := startWith(t)
	stdout.Close()
	p.send(initLine) // and the input stays open
	if status := p.wait(); status != 1 {
		t.Errorf("exit status %d, want 1", status)
	}
	log, _ := io.ReadAll(stderr)
	if !strings.Contains(string(log), "broken pipe") || strings.Contains(string(log), "goroutine") {
		t.Errorf("the log is\n%s\nwant broken pipe", log)
	}
}

// Nobody reads standard error, and more is logged than its pipe can hold.
func TestUnreadLog(t *testing.T) {
	t.Parallel()
	p, stdout, _ := startWith(t)
	lines := bufio.NewReader(stdout)
	bad := strings.Repeat("bad "+strings.Repeat("x", 200)+"\n", 100)
	go func() {
		io.WriteString(p.in, initLine)
		for range 100 {
			io.WriteString(p.in, bad)
		}
		io.WriteString(p.in, from("c1", `{"type":"echo","msg_id":2}`))
	}()
	lines.ReadString('\n')
	line, err := lines.ReadString('\n')
	if want := `{"src": "n1", "dest": "c1", "body": {"type": "echo_ok", "in_reply_to": 2, "msg_id": 1}}` + "\n"; line != want {
		t.Errorf("the echo is %q (%v), want %q", line, err, want)
	}
	p.in.Close()
	if status := p.wait(); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
}

// The relay also works if standard error is closed.
func TestClosedLog(t *testing.T) {
	t.Parallel()
	p, stdout, stderr := startWith(t)
	stderr.Close()
	p.send("bad\n", initLine, "bad\n", from("c1", `{"type":"echo","msg_id":2}`))
	p.in.Close()
	if out, _ := io.ReadAll(stdout); strings.Count(string(out), "\n") != 2 {
		t.Errorf("the output is\n%s\nwant two lines", out)
	}
	if status := p.wait(); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
}

// refusing sends echoes until one is refused because the relay is ending. It returns the
// other messages of the relay.
func (p *process) refusing() (others []message) {
	p.t.Helper()
	for id := 1 << 20; ; id++ {
		p.send(from("c9", `{"type":"echo","msg_id":%d}`, id))
		for {
			m := read(p.t, p.next())
			if m.Dest != "c9" {
				others = append(others, m)
				continue
			}
			if m.Body.Type == "error" && *m.Body.Code == 11 {
				return others
			}
			break
		}
	}
}

// SIGTERM comes while 10,000 calls are open. Replies are still read, every request gets one
// reply, and the relay ends though its input does not.
func TestTerminate(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			const requests = 10_000
			p := initialised(t, "--log-level=warn")
			// One call keeps the relay from ending before the test has seen
			// everything.
			p.send(from("c2", `{"type":"relay","msg_id":1,"target":"n3","payload":{"type":"read"},"timeout_ms":3600000}`))
			last := read(t, p.next())
			var input strings.Builder
			for i := range requests {
				fmt.Fprintf(&input, `{"src":"c1","dest":"n1","body":{"type":"relay","msg_id":%d,"target":"n2","payload":{"type":"read"},"timeout_ms":500,"max_retries":2}}`+"\n", i)
			}
			p.send(input.String())
			replies := make(map[int64]string)
			take := func(m message) {
				if m.Dest != "c1" {
					return
				}
				if before := replies[*m.Body.InReplyTo]; before != "" {
					t.Errorf("request %d got %s, then %s", *m.Body.InReplyTo, before, m.Body.Type)
				}
				replies[*m.Body.InReplyTo] = m.Body.Type
			}
			var sent []message
			for len(sent) < requests {
				m := read(t, p.next())
				take(m)
				if m.Dest == "n2" {
					sent = append(sent, m)
				}
			}
			p.cmd.Process.Signal(signal)
			for _, m := range p.refusing() {
				take(m)
			}
			input.Reset()
			for _, m := range sent[:requests/2] {
				fmt.Fprintf(&input, `{"src":"n2","dest":"n1","body":{"type":"read_ok","in_reply_to":%d}}`+"\n", m.Body.ID)
			}
			p.send(input.String())
			for len(replies) < requests {
				take(read(t, p.next()))
			}
			p.send(from("n3", `{"type":"read_ok","in_reply_to":%d}`, last.Body.ID))
			for line := p.next(); line != ""; line = p.next() {
				take(read(t, line))
			}
			if status := p.wait(); status != 0 {
				t.Errorf("exit status %d, want 0", status)
			}
			for line := range p.errs {
				t.Errorf("logged %s", line)
			}
		})
	}
}

// The second signal ends a relay that would drain for long.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	p := initialised(t, "--timeout=1h", "--drain=1h")
	p.send(from("c1", relayRead))
	p.next()
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.refusing()
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.wait()
	if status := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v, want SIGTERM", p.cmd.ProcessState)
	}
}

// Without open calls a signal ends the relay at once. After the reply to a request the test
// knows that the relay handles signals.
func TestTerminateIdle(t *testing.T) {
	t.Parallel()
	p := initialised(t, "--log-format=json")
	p.send(from("c1", `{"type":"echo","msg_id":2}`))
	p.next()
	p.cmd.Process.Signal(syscall.SIGTERM)
	if status := p.wait(); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
	if line := p.nextLog(); !strings.Contains(line, `"msg":"summary"`) {
		t.Errorf("logged %s, want the summary", line)
	}
}

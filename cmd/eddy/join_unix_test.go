//go:build unix

package main

import (
	"bufio"
	"io"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/natsserver"
	"github.com/eddyrpc/eddy/internal/longtest"
)

// await waits until the process has written a text.
func (s *saying) await(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !strings.Contains(s.String(), text); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it did not write %q:\n%s", text, s)
		}
	}
}

// joinProcess starts `eddy join` with a server and further arguments.
func joinProcess(t *testing.T, url string, args ...string) (*exec.Cmd, *saying) {
	t.Helper()
	return startEddy(t, append([]string{"join", "--cluster", "test", "--nats", url}, args...)...)
}

// startEddy starts a command, which is killed when the test ends.
func startEddy(t *testing.T, args ...string) (*exec.Cmd, *saying) {
	t.Helper()
	cmd := exec.Command("eddy", args...)
	said := &saying{}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	return cmd, said
}

func startServer(t *testing.T) (url string) {
	t.Helper()
	s, err := natsserver.Start(t.TempDir(), natsserver.AnyPort)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s.URL()
}

// A node that gets SIGTERM still replies to the requests that it has accepted.
func TestJoinDrains(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	cmd, said := joinProcess(t, url, "--node-id", "n1", "--node-ids", "n1,n2", "--", "node-member")
	call := func(body string, policy *eddy.Policy) (string, string, int) {
		return calling(&callCommand{natsFlags: natsFlags{NATS: url}, Wait: 20 * time.Second, Dest: "n1", Body: body}, policy)
	}
	if out, errs, status := call(`{"type":"echo"}`, &eddy.Policy{Attempts: 200, Timeout: 200 * time.Millisecond}); status != 0 {
		t.Fatalf("status %d\n%s%s", status, out, errs)
	}
	go func() {
		said.await(t, "dest=n9") // then the relay has begun
		cmd.Process.Signal(syscall.SIGTERM)
	}()
	out, errs, status := call(`{"type":"relay","target":"n9","payload":{"type":"echo"}}`, &eddy.Policy{Attempts: 1, Timeout: time.Minute})
	if status != statusErrorReply || !strings.Contains(out, "RPC failed after 3 attempts") {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("eddy join: %v\n%s", err, said)
	}
}

// A second eddy join under one name waits as a standby. It takes over when the first one ends,
// or is killed, and the services likewise.
func TestStandby(t *testing.T) {
	t.Parallel()
	for _, signal := range longtest.Or([]syscall.Signal{syscall.SIGTERM, syscall.SIGKILL}, []syscall.Signal{syscall.SIGTERM}) {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			url := startServer(t)
			policy := &eddy.Policy{Attempts: 300, Timeout: 100 * time.Millisecond}
			call := func(dest, body string) {
				t.Helper()
				out, errs, status := calling(&callCommand{natsFlags: natsFlags{NATS: url}, Wait: 20 * time.Second, Dest: dest, Body: body}, policy)
				if status != 0 {
					t.Errorf("status %d\n%s%s", status, out, errs)
				}
			}
			for _, p := range []struct{ args, dest, body string }{
				{"join --node-id n1 --node-ids n1 -- node-member", "n1", `{"type":"echo"}`},
				{"services", "lin-kv", `{"type":"write","key":1,"value":2}`},
			} {
				args := strings.Fields(p.args)
				args = append([]string{args[0], "--cluster", "test", "--nats", url}, args[1:]...)
				first, _ := startEddy(t, args...)
				call(p.dest, p.body)
				_, said := startEddy(t, args...)
				said.await(t, "waits as a standby")
				call(p.dest, p.body)
				first.Process.Signal(signal)
				said.await(t, "this process takes over")
				call(p.dest, p.body)
			}
		})
	}
}

// The nodes and services of eddy up hold their names: others wait as standbys.
func TestUpHoldsItsNames(t *testing.T) {
	t.Parallel()
	url := startUp(t, "node-member", io.Discard)
	for _, args := range []string{"join --node-id n2 --node-ids n1,n2,n3 -- node-member", "services"} {
		command, rest, _ := strings.Cut(args, " ")
		_, said := startEddy(t, append([]string{command, "--cluster", "test", "--nats", url}, strings.Fields(rest)...)...)
		said.await(t, "waits as a standby")
	}
}

// eddy join ends with 1 and the reason when the node has died too often.
func TestJoinGivesUp(t *testing.T) {
	t.Parallel()
	cmd, said := joinProcess(t, startServer(t), "--node-id", "n1", "--node-ids", "n1", "--restarts", "2", "--", "node-exit")
	cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 1 || strings.Count(said.String(), "will be restarted") != 2 ||
		!strings.Contains(said.String(), "eddy: n1 has died 3 times in a row: exit status 0\n") {
		t.Errorf("status %d\n%s", got, said)
	}
}

// endsForGood returns the URL of a server that answers a connection's first ping, and on
// the second ends the connection for a reason after which a client does not reconnect.
func endsForGood(t *testing.T) (url string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go endAtSecondPing(conn)
		}
	}()
	return "nats://" + l.Addr().String()
}

func endAtSecondPing(conn net.Conn) {
	defer conn.Close()
	io.WriteString(conn, `INFO {"server_id":"s","version":"2.15.2","proto":1,"headers":true,"max_payload":1048576}`+"\r\n")
	answer := "PONG\r\n"
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if lines.Text() == "PING" {
			io.WriteString(conn, answer)
			answer = "-ERR 'go away'\r\n"
		}
	}
}

// eddy join ends with 1 and the reason when a server has ended the connection for good.
func TestJoinEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	cmd, said := joinProcess(t, endsForGood(t), "--node-id", "n1", "--node-ids", "n1", "--", "node-member")
	cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 1 || !strings.Contains(said.String(), "the connection has ended: nats: go away") {
		t.Errorf("status %d\n%s", got, said)
	}
}

// A URL with a secret is refused, and the error does not show it.
func TestSecretInURL(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"call --nats nats://a,nats://user:s3cret@b n1 {}", "services --nats tls://s3cret@b",
		"join --nats nats://user:s3cret@b --node-id n1 --node-ids n1 relay",
	} {
		out, err := exec.Command("eddy", strings.Fields(args)...).CombinedOutput()
		if err == nil || strings.Contains(string(out), "s3cret") || !strings.Contains(string(out), "a URL must not hold a secret") {
			t.Errorf("%s: %v\n%s", args, err, out)
		}
	}
}

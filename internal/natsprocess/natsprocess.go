// Package natsprocess starts NATS servers of which each is a process of its own, so
// that a test or a benchmark can kill one as the kernel would.
//
// The process is the program itself: its main, or a test's TestMain, calls Main
// first.
package natsprocess

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const variable = "EDDY_NATSPROCESS" // names a server's configuration

// Main never returns if the process is to be a server, and else at once.
func Main() {
	file := os.Getenv(variable)
	if file == "" {
		return
	}
	if err := serve(file); err != nil {
		fmt.Fprintln(os.Stderr, "NATS server:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serve serves until standard input ends: whoever started us holds it open.
func serve(file string) error {
	options, err := server.ProcessConfigFile(file)
	if err != nil {
		return err
	}
	options.NoLog, options.NoSigs = true, true
	s, err := server.NewServer(options)
	if err != nil {
		return err
	}
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		return errors.New("not ready after 20 s")
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	s.Shutdown()
	return nil
}

// A Config says what the servers are.
type Config struct {
	Dir       string // of their own, for configurations and stores
	Count     int    // how many, which know each other
	JetStream bool
	// More is put into each server's configuration; %d stands for its number.
	More string
}

// Servers are a cluster. Its methods may be called from any goroutine.
type Servers struct {
	files []string
	urls  []string

	mu    sync.Mutex
	procs []*exec.Cmd
}

// Start starts a cluster, on loopback, and returns when all servers listen. JetStream
// may need some seconds more until it has a leader.
func Start(c Config) (*Servers, error) {
	ports, err := freePorts(2 * c.Count)
	if err != nil {
		return nil, err
	}
	s := &Servers{procs: make([]*exec.Cmd, c.Count)}
	for i := range c.Count {
		file := filepath.Join(c.Dir, fmt.Sprintf("s%d.conf", i))
		if err := os.WriteFile(file, []byte(c.text(i, ports)), 0o600); err != nil {
			return nil, err
		}
		s.files = append(s.files, file)
		s.urls = append(s.urls, fmt.Sprintf("nats://127.0.0.1:%d", ports[i]))
	}
	for i := range c.Count {
		if err := s.Start(i); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// text is the configuration of a server.
func (c *Config) text(i int, ports []int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "server_name: s%d\nhost: 127.0.0.1\nport: %d\n", i, ports[i])
	if c.JetStream {
		fmt.Fprintf(&b, "jetstream { store_dir: %q }\n", filepath.Join(c.Dir, fmt.Sprintf("s%d", i)))
	}
	if c.Count > 1 {
		var routes []string
		for j := range c.Count {
			if j != i {
				routes = append(routes, fmt.Sprintf("\"nats://127.0.0.1:%d\"", ports[c.Count+j]))
			}
		}
		fmt.Fprintf(&b, "cluster { name: c, host: 127.0.0.1, port: %d, routes: [%s] }\n", ports[c.Count+i], strings.Join(routes, ", "))
	}
	b.WriteString(strings.ReplaceAll(c.More, "%d", fmt.Sprint(i)))
	return b.String()
}

// freePorts are ports that were free a moment ago, beneath those that systems give
// to outgoing connections: no such connection takes a port while its server is dead.
func freePorts(count int) (ports []int, err error) {
	for tries := 0; len(ports) < count; tries++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)))
		if err != nil {
			if tries > 1000 {
				return nil, err
			}
			continue
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// Start starts a server that does not run, and returns when it listens.
func (s *Servers) Start(i int) error {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), variable+"="+s.files[i])
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		cmd.Process.Kill()
		return fmt.Errorf("NATS server %d did not start: %w", i, cmd.Wait())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.procs[i] = cmd
	return nil
}

// Kill kills a server, and returns when it is dead.
func (s *Servers) Kill(i int) {
	s.mu.Lock()
	cmd := s.procs[i]
	s.procs[i] = nil
	s.mu.Unlock()
	if cmd != nil {
		cmd.Process.Kill()
		cmd.Wait()
	}
}

// Close kills all.
func (s *Servers) Close() {
	for i := range s.procs {
		s.Kill(i)
	}
}

// URLs are all servers', with commas between.
func (s *Servers) URLs() string { return strings.Join(s.urls, ",") }

// URL is that of one server.
func (s *Servers) URL(i int) string { return s.urls[i] }

// PID is the process of a server, 0 while it is dead.
func (s *Servers) PID(i int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.procs[i] == nil {
		return 0
	}
	return s.procs[i].Process.Pid
}

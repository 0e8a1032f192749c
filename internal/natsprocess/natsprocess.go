// Package natsprocess starts NATS servers, each in a process of its own, so that a test or
// a benchmark can kill them.
//
// The process runs the same program again: its main, or a test's TestMain, must first
// call Main.
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

const variable = "EDDY_NATSPROCESS" // the path of a server's configuration

// Main returns at once, except in a process that is a server: there it never returns.
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

// serve serves until standard input ends, which the process that started this one holds
// open.
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
		return errors.New("the server is not ready after 20 s")
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	s.Shutdown()
	return nil
}

// A Config describes the servers.
type Config struct {
	Dir       string // for their configurations and data
	Count     int    // the number of servers
	JetStream bool
	// More is added to the configuration of each server; %d stands for its number.
	More string
}

// Servers are a cluster of servers. Its methods are safe for concurrent use.
type Servers struct {
	files []string
	urls  []string

	mu    sync.Mutex
	procs []*exec.Cmd
}

// Start starts a cluster on loopback and returns when all servers listen. JetStream may
// need some more seconds to elect a leader.
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

// text returns the configuration of a server.
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

// freePorts returns ports that are free. They are lower than those that operating systems
// give to outgoing connections, so that no such connection takes the port of a server
// that is being restarted.
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

// Start starts a server that is not running and returns when it listens.
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

// Kill kills a server and returns when it is dead.
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

// Close kills all servers.
func (s *Servers) Close() {
	for i := range s.procs {
		s.Kill(i)
	}
}

// URLs returns the URLs of all servers, separated by commas.
func (s *Servers) URLs() string { return strings.Join(s.urls, ",") }

// URL returns the URL of a server.
func (s *Servers) URL(i int) string { return s.urls[i] }

// PID returns the process id of a server, or 0 if it is not running.
func (s *Servers) PID(i int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.procs[i] == nil {
		return 0
	}
	return s.procs[i].Process.Pid
}

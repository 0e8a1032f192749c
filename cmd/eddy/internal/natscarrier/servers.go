package natscarrier

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/natsserver"
	"github.com/eddyrpc/eddy/internal/sim"
)

// serverNames are the names of the servers.
var serverNames = []string{"s1", "s2", "s3"}

// servers are the processes of the servers and the routes between them. The routes pass
// through this process, so that they can be cut.
type servers struct {
	carrier *Carrier
	urls    []string
	routes  routes

	mu      sync.Mutex
	stopped bool
	all     []*server
	running sync.WaitGroup
}

type server struct {
	name string
	file string // its configuration
	log  *os.File

	process *cluster.Process // nil while it is killed
	killed  int              // how many faults have killed it
}

// A server that ends soon after its start is started again: another program may have its
// port for some time.
const (
	soon          = time.Second
	maxStarts     = 20
	betweenStarts = 100 * time.Millisecond
)

// start starts all servers.
func (s *servers) start(c *Carrier) error {
	s.carrier = c
	ports, err := freePorts(2 * len(serverNames))
	if err != nil {
		return err
	}
	clients, routes := ports[:len(serverNames)], ports[len(serverNames):]
	if err := s.routes.open(routes); err != nil {
		return err
	}
	for i, name := range serverNames {
		s.urls = append(s.urls, fmt.Sprintf("nats://127.0.0.1:%d", clients[i]))
		one := &server{name: name, file: filepath.Join(c.dir, name+".conf")}
		s.all = append(s.all, one)
		text := configuration(name, clients[i], routes[i], s.routes.from(i), natsserver.StoreOf(one.file))
		if err := os.WriteFile(one.file, []byte(text), 0o600); err != nil {
			return err
		}
		if one.log, err = os.Create(filepath.Join(c.cfg.Logs, name+".log")); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.all {
		if err := s.begin(one, 1); err != nil {
			return err
		}
	}
	return nil
}

// configuration returns the configuration of a server. Servers tell each other the
// address of their routes; the one given here leads nowhere, so that they use only the
// ways through this process.
func configuration(name string, clients, routes int, others []string, store string) string {
	return natsserver.TestHeader + fmt.Sprintf(`server_name: %s
host: 127.0.0.1
port: %d
max_payload: 32MB
cluster {
  name: eddy-test
  host: 127.0.0.1
  port: %d
  advertise: "127.0.0.1:1"
  routes: ["%s"]
}
jetstream {
  store_dir: %q
}
`, name, clients, routes, strings.Join(others, `", "`), store)
}

// begin starts the process of a server. s.mu is held.
func (s *servers) begin(one *server, start int) error {
	p, err := cluster.Start(cluster.Config{
		Program: s.carrier.cfg.Program, Args: append(append([]string(nil), s.carrier.cfg.Args...), one.file),
		Output: func(_ cluster.Stream, line cluster.Line) {
			one.log.Write(append(line.Text[:len(line.Text):len(line.Text)], '\n'))
		},
	})
	if err != nil {
		return err
	}
	one.process = p
	begun := time.Now()
	s.running.Go(func() {
		exit := p.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.stopped || one.process != p {
			return // a fault has killed it
		}
		if start < maxStarts && time.Since(begun) < soon {
			s.mu.Unlock()
			time.Sleep(betweenStarts)
			s.mu.Lock()
			if s.stopped || one.process != p {
				return
			}
			if err = s.begin(one, start+1); err == nil {
				return
			}
		}
		s.carrier.fail(fmt.Errorf("the NATS server %s ended by itself: %v; the last of its log: %s", one.name, exit, strings.Join(p.StderrTail(), "; ")))
	})
	return nil
}

// await waits until all servers listen.
func (s *servers) await(ctx context.Context) error {
	for _, url := range s.urls {
		for {
			conn, err := net.Dial("tcp", strings.TrimPrefix(url, "nats://"))
			if err == nil {
				conn.Close()
				break
			}
			if err := s.carrier.pause(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *servers) named(name string) *server {
	for _, one := range s.all {
		if one.name == name {
			return one
		}
	}
	panic("no server " + name)
}

// Servers returns the names of the servers.
func (c *Carrier) Servers() []string { return serverNames }

// Begin begins a fault of servers.
func (c *Carrier) Begin(f *sim.Fault) { c.fault(f, true) }

// End ends a fault of servers.
func (c *Carrier) End(f *sim.Fault) { c.fault(f, false) }

func (c *Carrier) fault(f *sim.Fault, on bool) {
	s := &c.servers
	if f.Kind == sim.PartitionServers {
		s.routes.cut(f.Shape, f.Servers, on)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range f.Servers {
		one := s.named(name)
		switch {
		case on:
			if one.killed++; one.process != nil {
				one.process.Kill()
				one.process = nil
			}
		default:
			if one.killed--; one.killed == 0 {
				if err := s.begin(one, 1); err != nil {
					go c.fail(fmt.Errorf("start the NATS server %s: %w", name, err))
				}
			}
		}
	}
}

// stop kills all servers.
func (s *servers) stop() {
	s.mu.Lock()
	s.stopped = true
	for _, one := range s.all {
		if one.process != nil {
			one.process.Kill()
		}
	}
	s.mu.Unlock()
	s.running.Wait()
	s.routes.close()
	for _, one := range s.all {
		if one.log != nil {
			one.log.Close()
		}
	}
}

// freePorts returns ports that are free. They are lower than those that operating systems
// give to outgoing connections, so that no such connection takes the port of a server
// that is being restarted.
func freePorts(count int) (ports []int, err error) {
	const lowest, beyond, tries = 10_240, 32_768, 1000
	for try := 0; len(ports) < count; try++ {
		port := lowest + rand.IntN(beyond-lowest)
		l, e := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		switch {
		case e == nil:
			defer l.Close() // so that no port is returned twice
			ports = append(ports, port)
		case try == tries:
			return nil, e
		}
	}
	return ports, nil
}

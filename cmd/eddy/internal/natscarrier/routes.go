package natscarrier

import (
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/eddyrpc/eddy/internal/sim"
)

// routes are the ways between servers: one for each direction between two servers. Each
// way is a listener that forwards connections to the port of a server.
type routes struct {
	ports []int // of the servers
	ways  []*way
}

// A way leads from one server to another.
type way struct {
	from, to string
	port     int // of to
	listener net.Listener

	mu     sync.Mutex
	cuts   int // how many faults cut the way
	closed bool
	conns  map[net.Conn]bool
	served sync.WaitGroup
}

const (
	dialFor   = time.Second // a server that is starting does not listen yet
	dialAgain = 20 * time.Millisecond
)

func (r *routes) open(ports []int) error {
	r.ports = ports
	for i, from := range serverNames {
		for j, to := range serverNames {
			if i == j {
				continue
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			w := &way{from: from, to: to, port: ports[j], listener: l, conns: map[net.Conn]bool{}}
			r.ways = append(r.ways, w)
			w.served.Go(w.accept)
		}
	}
	return nil
}

// from returns the URLs by which a server reaches the others.
func (r *routes) from(server int) (urls []string) {
	for _, w := range r.ways {
		if w.from == serverNames[server] {
			urls = append(urls, "nats://"+w.listener.Addr().String())
		}
	}
	return urls
}

// cut cuts the ways that a partition affects, or ends such a cut.
func (r *routes) cut(shape string, servers []string, on bool) {
	for _, w := range r.ways {
		from, to := slices.Contains(servers, w.from), slices.Contains(servers, w.to)
		if from && to || shape == sim.One && (from || to) {
			w.cut(on)
		}
	}
}

func (r *routes) close() {
	for _, w := range r.ways {
		w.mu.Lock()
		w.closed = true
		w.mu.Unlock()
		w.listener.Close()
		w.cut(true)
	}
	for _, w := range r.ways {
		w.served.Wait()
	}
}

func (w *way) accept() {
	for {
		conn, err := w.listener.Accept()
		if err != nil {
			return // the listener is closed
		}
		w.served.Go(func() { w.carry(conn) })
	}
}

// carry forwards what both servers send over a connection.
func (w *way) carry(conn net.Conn) {
	defer conn.Close()
	if !w.keep(conn) {
		return
	}
	defer w.forget(conn)
	other, err := w.dial()
	if err != nil {
		return
	}
	defer other.Close()
	if !w.keep(other) {
		return
	}
	defer w.forget(other)
	back := make(chan struct{})
	go func() {
		io.Copy(conn, other)
		conn.Close()
		close(back)
	}()
	io.Copy(other, conn)
	other.Close()
	<-back
}

func (w *way) dial() (conn net.Conn, err error) {
	for end := time.Now().Add(dialFor); ; time.Sleep(dialAgain) {
		conn, err = net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", w.port))
		if err == nil || w.isCut() || time.Now().After(end) {
			return conn, err
		}
	}
}

func (w *way) isCut() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cuts > 0 || w.closed
}

// keep records a connection, so that a cut closes it. It returns false if the way is cut
// now.
func (w *way) keep(conn net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cuts > 0 || w.closed {
		return false
	}
	w.conns[conn] = true
	return true
}

func (w *way) forget(conn net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, conn)
}

func (w *way) cut(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !on {
		w.cuts--
		return
	}
	w.cuts++
	for conn := range w.conns {
		conn.Close()
	}
}

package natscarrier

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/sim"
)

// echoes returns ports that stand for the servers' own; what is sent there comes back.
func echoes(t *testing.T) (ports []int) {
	for range serverNames {
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
				go func() { io.Copy(conn, conn); conn.Close() }()
			}
		}()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// talk reports whether what is sent over a connection comes back.
func talk(conn net.Conn) bool {
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Write([]byte("x")); err != nil {
		return false
	}
	_, err := io.ReadFull(conn, make([]byte, 1))
	return err == nil
}

// A cut closes the connections of certain ways, in both directions, and rejects new ones
// until the last such cut has ended. Other ways stay open.
func TestCuts(t *testing.T) {
	for _, test := range []struct {
		shape   string
		servers []string
		cut     string // ways
	}{
		{sim.One, []string{"s2"}, "s1s2 s2s1 s2s3 s3s2"},
		{sim.LinkShape, []string{"s1", "s3"}, "s1s3 s3s1"},
		{sim.All, serverNames, "s1s2 s1s3 s2s1 s2s3 s3s1 s3s2"},
	} {
		t.Run(test.shape, func(t *testing.T) {
			var r routes
			if err := r.open(echoes(t)); err != nil {
				t.Fatal(err)
			}
			defer r.close()
			open := map[*way]net.Conn{}
			for _, w := range r.ways {
				open[w] = dialWay(t, w)
				if !talk(open[w]) {
					t.Errorf("%s to %s: closed", w.from, w.to)
				}
			}
			look := func(when string, cut bool) {
				t.Helper()
				got := ""
				for _, w := range r.ways {
					fresh := dialWay(t, w)
					if !talk(fresh) {
						got += " " + w.from + w.to
					}
					fresh.Close()
				}
				if want := " " + test.cut; cut && got != want || !cut && got != "" {
					t.Errorf("%s: the ways cut are%s", when, got)
				}
			}
			r.cut(test.shape, test.servers, true)
			look("cut", true)
			got := ""
			for _, w := range r.ways {
				if !talk(open[w]) {
					got += " " + w.from + w.to
				}
			}
			if got != " "+test.cut {
				t.Errorf("connections closed:%s", got)
			}
			r.cut(test.shape, test.servers, true)
			r.cut(test.shape, test.servers, false)
			look("cut twice and healed once", true)
			r.cut(test.shape, test.servers, false)
			look("healed", false)
		})
	}
}

func dialWay(t *testing.T, w *way) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", w.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// Each server reaches each other one by a way of its own.
func TestWaysFrom(t *testing.T) {
	var r routes
	if err := r.open(echoes(t)); err != nil {
		t.Fatal(err)
	}
	defer r.close()
	seen := map[string]bool{}
	for i := range serverNames {
		for _, url := range r.from(i) {
			seen[url] = true
		}
	}
	if len(seen) != 6 {
		t.Errorf("%d ways", len(seen))
	}
}

// The ports are different, free, and not among those that operating systems give to
// outgoing connections.
func TestFreePorts(t *testing.T) {
	ports, err := freePorts(200)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, p := range ports {
		if seen[p] || p < 10_240 || p >= 32_768 {
			t.Errorf("port %d", p)
		}
		seen[p] = true
	}
}

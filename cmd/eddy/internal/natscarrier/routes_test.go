package natscarrier

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
)

// echoes are servers' own ports, at which everything comes back.
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

// talk says something over a connection and hears it.
func talk(conn net.Conn) bool {
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Write([]byte("x")); err != nil {
		return false
	}
	_, err := io.ReadFull(conn, make([]byte, 1))
	return err == nil
}

// A cut closes the connections of the ways that it is about, both ways, and lets none
// be made, until the last of the cuts ends; other ways stay.
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
					t.Errorf("%s: cut are%s", when, got)
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
			look("cut twice and let be once", true)
			r.cut(test.shape, test.servers, false)
			look("let be", false)
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

// A server finds the others by ways that lead to nobody else.
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

// Servers' ports are different, free, and not among those that systems give to
// whoever connects.
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

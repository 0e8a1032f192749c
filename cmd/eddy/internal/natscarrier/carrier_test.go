package natscarrier

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/natsserver"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
)

// TestMain makes the test binary a NATS server if its arguments say so.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "nats-server" {
		if err := natsserver.Serve(os.Args[2], os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	flag.Set("test.parallel", "8") // most tests wait; a flag on the command line takes precedence
	os.Exit(m.Run())
}

// opened returns an open carrier with the nodes n1, n2 and n3, each connected to the
// server of its number.
func opened(t *testing.T) *Carrier {
	t.Parallel()
	c := New(Config{Program: os.Args[0], Args: []string{"nats-server"}, Logs: t.TempDir()})
	t.Cleanup(func() {
		c.Close()
		if _, err := os.Stat(c.dir); err == nil {
			t.Error("the directory still exists")
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Open(ctx, []string{"n1", "n2", "n3"}, []string{"n4", "lin-kv"}); err != nil {
		t.Fatal(err)
	}
	return c
}

// await waits until is returns true, and returns the records that arrived until then.
func await(t *testing.T, c *Carrier, what string, is func(records []int) bool) (records []int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		done := is(records)
		for _, a := range c.Arrivals() { // those that arrived before is returned true are among them
			if a.Line != nil {
				t.Errorf("a service wrote %s", a.Line)
			}
			records = append(records, a.Record)
		}
		if done {
			slices.Sort(records)
			return records
		}
		select {
		case <-c.Ready():
		case <-time.After(10 * time.Millisecond):
		}
		if err := c.Err(); err != nil || time.Now().After(end) {
			t.Fatalf("%s: %v, arrived: %v", what, err, records)
		}
	}
}

// checked waits until all that was sent has arrived or is lost.
func checked(t *testing.T, c *Carrier) (records []int) {
	t.Helper()
	c.CheckServers()
	return await(t, c, "check", func([]int) bool { return c.ServersChecked() })
}

// all sends a message from each node to each node. The records' numbers begin with from.
func all(c *Carrier, from int) {
	names := []string{"n1", "n2", "n3"}
	for i, src := range names {
		for j, dest := range names {
			body := fmt.Appendf(nil, `{"type":"echo","msg_id":%d}`, from+3*i+j)
			c.Carry(&sim.Record{Index: from + 3*i + j, Message: message.Message{Src: src, Dest: dest, Body: body}})
		}
	}
}

// Two servers that are cut off from each other carry nothing from one's node to the
// other's. The check succeeds only when they are connected again.
func TestPartitionServers(t *testing.T) {
	c := opened(t)
	all(c, 0)
	if got := checked(t, c); !slices.Equal(got, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Errorf("arrived: %v", got)
	}
	cut := &sim.Fault{Kind: sim.PartitionServers, Shape: sim.LinkShape, Servers: []string{"s1", "s2"}}
	c.Begin(cut)
	if at := c.ConnectedTo(cut.Servers); !slices.Equal(at, []string{"n1", "n2"}) {
		t.Errorf("%v are connected to s1 and s2", at)
	}
	all(c, 10) // a route may be about to close
	await(t, c, "what is not cut", func(records []int) bool {
		all := true
		for _, i := range []int{10, 12, 14, 15, 16, 17, 18} {
			all = all && slices.Contains(records, i)
		}
		return all
	})
	all(c, 20)
	c.CheckServers()
	got := await(t, c, "what is not cut", func(records []int) bool { return len(records) >= 7 })
	if c.ServersChecked() {
		t.Error("the check succeeds while two servers are cut off from each other")
	}
	c.End(cut)
	if got = append(got, checked(t, c)...); slices.Contains(got, 21) || slices.Contains(got, 23) {
		t.Errorf("arrived in the end: %v", got)
	}
	all(c, 30)
	if got := checked(t, c); len(got) != 9 {
		t.Errorf("arrived: %v", got)
	}
}

// A killed server is restarted as another process. Its node connects to another server
// meanwhile, and the check succeeds only when the server is back.
func TestKillServer(t *testing.T) {
	c := opened(t)
	pid := c.servers.named("s2").process.PID()
	kill := &sim.Fault{Kind: sim.KillServer, Servers: []string{"s2"}}
	c.Begin(kill)
	await(t, c, "n2 finds another server", func([]int) bool { at := c.conns[1].Server(); return at == "s1" || at == "s3" })
	c.CheckServers()
	if c.ServersChecked() {
		t.Error("the check succeeds without a server")
	}
	c.End(kill)
	checked(t, c)
	if now := c.servers.named("s2").process.PID(); now == pid {
		t.Error("the same process as before")
	}
	all(c, 0)
	if got := checked(t, c); len(got) != 9 {
		t.Errorf("arrived: %v", got)
	}
}

// The reply of a service goes to the test before it goes over NATS, and so does every
// message for a service.
func TestServices(t *testing.T) {
	c := opened(t)
	c.Carry(&sim.Record{Index: 5, Message: message.Message{Src: "n1", Dest: "lin-kv", Body: []byte(`{"type":"read","key":1,"msg_id":7}`)}})
	if got := checked(t, c); !slices.Equal(got, []int{5}) {
		t.Errorf("arrived: %v", got)
	}
	c.Serve("lin-kv", []byte(`{"src":"n1","dest":"lin-kv","body":{"type":"read","key":1,"msg_id":7}}`))
	for end := time.Now().Add(time.Minute); ; {
		if all := c.Arrivals(); len(all) > 0 {
			want := `{"src":"lin-kv","dest":"n1","body":{"type":"error","code":20,"text":"key 1 does not exist","in_reply_to":7,"msg_id":1}}` + "\n"
			if string(all[0].Line) != want {
				t.Errorf("%s, want %s", all[0].Line, want)
			}
			return
		}
		select {
		case <-c.Ready():
		case <-time.After(time.Until(end)):
			t.Fatal("no reply")
		}
	}
}

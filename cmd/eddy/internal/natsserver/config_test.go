package natsserver

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/natskv"
	"github.com/eddyrpc/eddy/natsnet"
)

// The server lets a node speak only under its own name and rejects everyone who has no
// key.
func TestConfigKeepsNodesApart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "config")
	config := Config{
		Cluster: "demo", Nodes: []string{"n1", "n 2.*"}, Clients: []string{"c1"},
		Servers: []string{"localhost"}, Store: t.TempDir(), Services: natskv.Names(),
	}
	if err := config.Write(dir); err != nil {
		t.Fatal(err)
	}
	options, err := server.ProcessConfigFile(filepath.Join(dir, "server-1.conf"))
	if err != nil {
		t.Fatal(err)
	}
	options.Host, options.Port, options.NoLog, options.NoSigs = "127.0.0.1", server.RANDOM_PORT, true, true
	s, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server is not ready")
	}
	if _, err := nats.Connect(s.ClientURL()); err == nil {
		t.Error("the server accepts a client without a key")
	}

	checkDenied(t, s.ClientURL(), filepath.Join(dir, "n1.nk"))
	checkServices(t, s.ClientURL(), dir)

	// What a node needs is allowed: n1 and the other node receive each other's messages.
	one := member(t, s.ClientURL(), dir, "n1")
	other := member(t, s.ClientURL(), dir, "n 2.*")
	say(t, one, `{"src":"n1","dest":"n 2.*","body":{"type":"x","msg_id":1}}`, other)
	say(t, other, `{"src":"n 2.*","dest":"n1","body":{"type":"x_ok","in_reply_to":1}}`, one)
}

// checkDenied checks that n1 can neither speak as another node nor receive what is for
// another one, nor use JetStream.
func checkDenied(t *testing.T, url, seed string) {
	denied := make(chan string, 10)
	key, err := nats.NkeyOptionFromSeed(seed)
	if err != nil {
		t.Fatal(err)
	}
	n1, err := nats.Connect(url, key, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		denied <- strings.ToLower(err.Error())
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer n1.Close()
	for _, try := range []func(){
		func() { n1.Publish("eddy.demo.c1.n2", nil) },
		func() { n1.Publish("eddy.other.c1.n1", nil) },
		func() { n1.Publish("$JS.API.STREAM.LIST", nil) },
		func() { n1.SubscribeSync("eddy.demo.c1.*") },
		func() { n1.SubscribeSync("eddy.demo.>") },
		func() { n1.SubscribeSync("_INBOX.>") },
	} {
		try()
		n1.Flush()
		select {
		case text := <-denied:
			if !strings.Contains(text, "permissions violation") {
				t.Error(text)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("it was allowed")
		}
	}
}

// checkServices checks that the services can use their key, and that a client can call
// them.
func checkServices(t *testing.T, url, dir string) {
	ctx, end := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	defer serving.Wait()
	defer end()
	ready := make(chan struct{})
	serving.Go(func() {
		defer close(ready)
		cfg := natskv.Config{Replicas: 1, Wait: 20 * time.Second, Log: slog.New(slog.DiscardHandler)}
		cfg.Net = natsnet.Config{Servers: url, Cluster: "demo", Security: natsnet.Security{NKey: filepath.Join(dir, "services.nk")}}
		served := false
		err := natskv.Serve(ctx, cfg, func() { served = true; ready <- struct{}{} })
		if !served || err != nil {
			t.Errorf("services: %v", err)
		}
	})
	<-ready
	asking := member(t, url, dir, "c1")
	if _, err := asking.Write([]byte(`{"src":"c1","dest":"lin-kv","body":{"type":"write","key":1,"value":2,"msg_id":1}}` + "\n")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1000)
	if n, err := asking.Read(buf); !strings.Contains(string(buf[:n]), `"write_ok"`) {
		t.Errorf("read %q, %v", buf[:n], err)
	}
}

func member(t *testing.T, url, dir, name string) *natsnet.Conn {
	c, err := natsnet.Dial(natsnet.Config{
		Servers: url, Cluster: "demo", Node: name,
		Security: natsnet.Security{NKey: filepath.Join(dir, natsnet.Token(name)+".nk")},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := c.Joined(ctx); err != nil {
		t.Fatalf("%s has not joined: %v", name, err)
	}
	return c
}

func say(t *testing.T, from *natsnet.Conn, line string, to *natsnet.Conn) {
	t.Helper()
	if _, err := from.Write([]byte(line + "\n")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1000)
	n, err := to.Read(buf)
	if string(buf[:n]) != line+"\n" || err != nil {
		t.Errorf("read %q, %v", buf[:n], err)
	}
}

// The servers of a cluster know each other, and each secret is in a file that only its
// owner can read.
func TestConfigOfThree(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "config")
	config := Config{
		Cluster: "demo", Nodes: []string{"n1"}, Servers: []string{"a", "b", "c"}, Store: "/data",
		CA: "/etc/ca.pem", Cert: "/etc/cert.pem", Key: "/etc/key.pem",
	}
	if err := config.Write(dir); err != nil {
		t.Fatal(err)
	}
	seed, err := os.ReadFile(filepath.Join(dir, "n1.nk"))
	if err != nil || !strings.HasPrefix(string(seed), "SU") {
		t.Errorf("seed %q, %v", seed, err)
	}
	for _, name := range []string{"server-1.conf", "server-2.conf", "server-3.conf", "n1.nk"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	text, _ := os.ReadFile(filepath.Join(dir, "server-2.conf"))
	for _, want := range []string{`"nats://a:6222"`, `"nats://c:6222"`, `server_name: "eddy-2"`, `ca_file: "/etc/ca.pem"`, "verify: true", `store_dir: "/data"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("server-2.conf lacks %s:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "b:6222") || strings.Contains(string(text), strings.TrimSpace(string(seed))) {
		t.Errorf("server-2.conf has too much:\n%s", text)
	}
	if err := config.Write(dir); err == nil {
		t.Error("an existing directory is overwritten")
	}

	// When a node is added, the others keep their secrets.
	config.Nodes, config.Keep = []string{"n1", "n2"}, true
	if err := config.Write(dir); err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile(filepath.Join(dir, "n1.nk")); err != nil || string(kept) != string(seed) {
		t.Errorf("n1's secret was %q and is %q, %v", seed, kept, err)
	}
	after, _ := os.ReadFile(filepath.Join(dir, "server-2.conf"))
	if was := regexp.MustCompile(`nkey: \w+`).FindString(string(text)); !strings.Contains(string(after), was) || strings.Count(string(after), "nkey:") != 3 {
		t.Errorf("of %s and two others in server-2.conf:\n%s", was, after)
	}
	if err := os.WriteFile(filepath.Join(dir, "n2.nk"), []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := config.Write(dir); err == nil || !strings.Contains(err.Error(), "n2.nk") {
		t.Errorf("an invalid secret: %v", err)
	}
}

func TestInvalidConfigs(t *testing.T) {
	for want, config := range map[string]Config{
		"has no nodes":         {Servers: []string{"a"}},
		"has no servers":       {Nodes: []string{"n1"}},
		"n1 is given twice":    {Nodes: []string{"n1"}, Clients: []string{"n1"}, Servers: []string{"a"}},
		"must not be empty":    {Nodes: []string{""}, Servers: []string{"a"}},
		"either all TLS files": {Nodes: []string{"n1"}, Servers: []string{"a"}, CA: "ca.pem"},
	} {
		if err := config.Write(filepath.Join(t.TempDir(), "config")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

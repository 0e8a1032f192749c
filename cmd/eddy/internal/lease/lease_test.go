package lease

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/eddyrpc/eddy/natsnet"
)

// startServer starts a server, with or without JetStream, until the test ends. If there are
// users, others cannot connect.
func startServer(t *testing.T, jetStream bool, users ...*server.User) (url string) {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		ServerName: "s", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, JetStream: jetStream, StoreDir: t.TempDir(),
		Users: users,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server is not ready")
	}
	return s.ClientURL()
}

// A buffer is a log that several goroutines use.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *buffer) await(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !strings.Contains(b.String(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the log has no %q:\n%s", text, b)
		}
	}
}

func config(url string, log *buffer) Config {
	return Config{
		Net: natsnet.Config{Servers: url}, Name: "n 1", Replicas: 3, Log: slog.New(slog.NewTextHandler(log, nil)),
		TTL: 1500 * time.Millisecond, Patience: time.Hour, // an attempt takes a third of it, at most
	}
}

// A second process under one name waits until the first one ends, and then acts at once.
func TestStandbyTakesOver(t *testing.T) {
	t.Parallel()
	url := startServer(t, true)
	var log buffer
	cfg := config(url, &log)
	cfg.TTL = time.Hour // so that it cannot expire
	cfg.Patience = time.Second
	first, endFirst := context.WithCancel(t.Context())
	acts := make(chan string)
	hold := func(ctx context.Context, name string) {
		err := Hold(ctx, cfg, func(ctx context.Context) error {
			acts <- name
			<-ctx.Done()
			return errors.New(name + " ends")
		})
		acts <- err.Error()
	}
	expect := func(want string) {
		t.Helper()
		if got := <-acts; got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
	go hold(first, "first")
	expect("first")
	second, endSecond := context.WithCancel(t.Context())
	go hold(second, "second")
	log.await(t, "waits as a standby")
	if !strings.Contains(log.String(), ", process ") {
		t.Errorf("the log does not name the holder:\n%s", log.String())
	}
	endFirst()
	expect("first ends")
	expect("second")
	log.await(t, "this process takes over")
	endSecond()
	expect("second ends")
}

// A standby that is told to end does not act.
func TestStandbyEnds(t *testing.T) {
	t.Parallel()
	url := startServer(t, true)
	var log buffer
	holder := open(t, config(url, &log))
	if status, err := holder.try(t.Context()); status != held {
		t.Fatal(status, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cfg := config(url, &log)
	cfg.TTL = time.Hour
	cfg.Patience = time.Second
	ended := make(chan error)
	go func() {
		ended <- Hold(ctx, cfg, func(context.Context) error { return errors.New("it acts") })
	}()
	log.await(t, "waits as a standby")
	for range 3 { // so that the lease does not expire meanwhile
		holder.try(t.Context())
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func open(t *testing.T, cfg Config) *lease {
	t.Helper()
	l, err := newLease(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.nc.Close)
	return l
}

// A lease that is not renewed expires. Its former holder learns that another process has it.
func TestLeaseExpires(t *testing.T) {
	t.Parallel()
	url := startServer(t, true)
	var log buffer
	first, second := open(t, config(url, &log)), open(t, config(url, &log))
	for range 3 {
		if status, err := first.try(t.Context()); status != held {
			t.Fatal(status, err)
		}
		if status, err := second.try(t.Context()); status != taken {
			t.Fatal(status, err)
		}
	}
	first.revision = 0 // as after an attempt that was not acknowledged
	if status, err := first.try(t.Context()); status != held {
		t.Fatal(status, err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if status, _ := second.try(t.Context()); status == held {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the lease does not expire")
		}
	}
	if status, err := first.try(t.Context()); status != taken {
		t.Fatal(status, err)
	}
}

// A node has a lease with the permissions of natsnet.PermissionsOf, and cannot take that of
// another node.
func TestPermissions(t *testing.T) {
	t.Parallel()
	may := natsnet.PermissionsOf("eddy", "n 1")
	url := startServer(t, true, &server.User{Username: "u", Password: "u", Permissions: &server.Permissions{
		Publish: &server.SubjectPermission{Allow: may.Publish}, Subscribe: &server.SubjectPermission{Allow: may.Subscribe},
	}})
	var log buffer
	cfg := config(strings.Replace(url, "//", "//u:u@", 1), &log)
	first, second := open(t, cfg), open(t, cfg)
	if status, err := first.try(t.Context()); status != held {
		t.Fatal(status, err)
	}
	if status, err := second.try(t.Context()); status != taken {
		t.Fatal(status, err)
	}
	first.release()
	if status, err := second.try(t.Context()); status != held {
		t.Fatal(status, err)
	}
	cfg.Name = "n2"
	if status, err := open(t, cfg).try(t.Context()); status != unavailable {
		t.Fatal(status, err)
	}
}

// If another process has taken over, the context ends with ErrTaken.
func TestTaken(t *testing.T) {
	t.Parallel()
	url := startServer(t, true)
	var log buffer
	err := Hold(t.Context(), config(url, &log), func(ctx context.Context) error {
		thief := open(t, config(url, &log))
		if err := thief.open(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := thief.kv.Put(ctx, thief.key, thief.value); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, ErrTaken) || err.Error() != "n 1: another process has taken over" {
		t.Error(err)
	}
}

// Without JetStream, or without a server, there is no lease, and the log says so.
func TestNoLease(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"no JetStream": startServer(t, false), "no server": "nats://127.0.0.1:1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log buffer
			cfg := config(url, &log)
			cfg.Patience = time.Millisecond
			acted := errors.New("it has acted")
			if err := Hold(t.Context(), cfg, func(context.Context) error { return acted }); err != acted {
				t.Error(err)
			}
			if !strings.Contains(log.String(), "another process under this name is not noticed") {
				t.Errorf("the log:\n%s", log.String())
			}
		})
	}
}

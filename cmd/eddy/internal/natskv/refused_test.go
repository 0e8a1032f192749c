package natskv

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// If JetStream surely has stored nothing, the error reply is definite, and comes at once.
func TestRefusalsAreDefinite(t *testing.T) {
	t.Parallel()
	denied := &server.SubjectPermission{Deny: []string{"$KV.*.=22locked=22", "$KV.eddy-eddy-lin-tso.>"}}
	s, err := server.NewServer(&server.Options{
		ServerName: "s", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir(),
		Users: []*server.User{
			{Username: "u", Password: "u", Permissions: &server.Permissions{Publish: denied}},
			{Username: "admin", Password: "admin"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server is not ready")
	}
	as := func(user string) string { return strings.Replace(s.ClientURL(), "//", "//"+user+":"+user+"@", 1) }
	stop := serve(t, as("u"))
	defer stop()
	limitValues(t, as("admin"), "KV_"+Bucket("eddy", "seq-kv"), 1000)

	n := client(t, as("admin"))
	long := `"` + strings.Repeat("x", 2000) + `"`
	for _, tt := range []struct{ service, body, want string }{
		{"lin-kv", `{"type":"write","key":"locked","value":1}`, "JetStream: no permission (temporarily-unavailable)"},
		{"lin-kv", `{"type":"cas","key":"locked","from":1,"to":2,"create_if_not_exists":true}`, "JetStream: no permission (temporarily-unavailable)"},
		{"lin-kv", `{"type":"write","key":"open","value":1}`, "write_ok "},
		{"lin-tso", `{"type":"ts"}`, "JetStream: no permission (temporarily-unavailable)"},
		{"seq-kv", `{"type":"write","key":"k","value":` + long + `}`, "JetStream: message size exceeds maximum allowed (malformed-request)"},
		{"seq-kv", `{"type":"write","key":"k","value":1}`, "write_ok "},
	} {
		if got := ask(n, tt.service, tt.body); got != tt.want {
			t.Errorf("%s %.60s: %s, want %s", tt.service, tt.body, got, tt.want)
		}
	}
}

// limitValues limits the length of the messages of a stream.
func limitValues(t *testing.T, url, stream string, most int32) {
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	found, err := js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	cfg := found.CachedInfo().Config
	cfg.MaxMsgSize = most
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
}

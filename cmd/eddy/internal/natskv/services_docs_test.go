package natskv

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/doctest"
	"github.com/eddyrpc/eddy/internal/message"
)

// The services over NATS reply as docs/services.md shows, apart from the texts of errors and
// the numbers of lin-tso.
func TestServicesPage(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir())
	stop := serve(t, s.URL())
	n := client(t, s.URL())
	n.Log = slog.New(slog.DiscardHandler)
	asked := 0
	for _, b := range doctest.Read(t, "../../../../docs/services.md") {
		lines := strings.Split(strings.TrimSpace(b.Text), "\n")
		size := map[string]int{"json": 2, "json either": len(lines)}[b.Kind]
		if size == 0 {
			continue
		}
		for exchange := range slices.Chunk(lines, size) {
			request := parse(t, exchange[0])
			asked++
			reply, _, err := n.RPCWithRetry(context.Background(), request.Dest, eddy.Raw(string(request.Body)), &eddy.Policy{Attempts: 1, Timeout: 20 * time.Second})
			if reply.Body == nil {
				t.Fatalf("%s: %v", exchange[0], err)
			}
			got := outcome([]byte(reply.Body))
			if !slices.ContainsFunc(exchange[1:], func(line string) bool { return outcome(parse(t, line).Body) == got }) {
				t.Errorf("%s: %s, want one of\n%s", exchange[0], reply.Body, strings.Join(exchange[1:], "\n"))
			}
		}
	}
	if asked < 20 {
		t.Errorf("the page has %d requests", asked)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func parse(t *testing.T, line string) message.Message {
	t.Helper()
	m, err := message.Parse([]byte(line))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return m
}

// outcome is what both kinds of services reply with.
func outcome(body []byte) string {
	return fmt.Sprintf("%s %s %s", message.Member(body, "type"), message.Member(body, "code"), message.Member(body, "value"))
}

package natsnet_test

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/natsnet"
)

// What is written while no server is reached is sent by Shutdown when one is reached in time.
// Otherwise Shutdown says how many messages were lost.
func TestShutdownWithoutServer(t *testing.T) {
	t.Parallel()
	server := ownServer(t, -1, "")
	cfg := func(node string) natsnet.Config { return natsnet.Config{Servers: server.ClientURL(), Node: node} }
	var log lockedBuffer
	inTime, tooLate := dialed(t, cfg("n1")), cfg("n2")
	tooLate.Log = slog.New(slog.NewTextHandler(&log, nil))
	lost := dialed(t, tooLate)
	say(t, lost, `{"src":"n2","dest":"n3","body":{"type":"sent"}}`)
	joined(t, lost) // the message has left
	port := server.Addr().(*net.TCPAddr).Port
	server.Shutdown()
	server.WaitForShutdown()
	wait(t, func() bool { return !inTime.Connected() && !lost.Connected() })
	for range 3 {
		say(t, inTime, `{"src":"n1","dest":"n3","body":{"type":"x"}}`)
		say(t, lost, `{"src":"n2","dest":"n3","body":{"type":"x"}}`)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := lost.Shutdown(ended); err == nil || err.Error() != "natsnet: 3 messages were not sent, because no server was reached" {
		t.Errorf("Shutdown: %v", err)
	}
	if got := lost.Counts(); got.Out != 1 || got.Unsent != 3 || !strings.Contains(log.String(), "messages=3") {
		t.Errorf("%+v\n%s", got, log.String())
	}

	server = ownServer(t, port, "")
	if err := inTime.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	wait(t, func() bool { received, err := server.Varz(nil); return err == nil && received.InMsgs == 3 })
	if got := inTime.Counts(); got.Unsent != 0 {
		t.Errorf("%+v", got)
	}
}

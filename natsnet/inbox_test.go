package natsnet_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/natsnet"
)

// endsForGood is the URL of a server that answers a connection's first ping, and at the
// second ends it for a reason that a client does not try again after.
func endsForGood(t *testing.T) (url string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, `INFO {"server_id":"s","version":"2.15.2","proto":1,"headers":true,"max_payload":1048576}`+"\r\n")
		answer := "PONG\r\n"
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			if lines.Text() == "PING" {
				io.WriteString(conn, answer)
				answer = "-ERR 'go away'\r\n"
			}
		}
	}()
	return "nats://" + l.Addr().String()
}

// A connection that a server ends for good is not waited for.
func TestCutForGood(t *testing.T) {
	c := dial(t, natsnet.Config{Servers: endsForGood(t), Node: "n1"})
	defer c.Close()
	go c.Joined(t.Context()) // it pings
	if _, err := c.Read(make([]byte, 10)); err == nil || !strings.Contains(err.Error(), "the connection has ended: nats: go away") {
		t.Errorf("Read: %v", err)
	}
}

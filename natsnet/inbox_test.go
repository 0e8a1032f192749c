package natsnet_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/natsnet"
)

// endsForGood returns the URL of a server that answers a connection's first ping, and on
// the second ends the connection for a reason after which a client does not reconnect.
func endsForGood(t *testing.T) (url string) {
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
			go endAtSecondPing(conn)
		}
	}()
	return "nats://" + l.Addr().String()
}

func endAtSecondPing(conn net.Conn) {
	defer conn.Close()
	io.WriteString(conn, `INFO {"server_id":"s","version":"2.15.2","proto":1,"headers":true,"max_payload":1048576}`+"\r\n")
	answer := "PONG\r\n"
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if lines.Text() == "PING" {
			io.WriteString(conn, answer)
			answer = "-ERR 'go away'\r\n"
		}
	}
}

// Read returns when a server ends the connection for good.
func TestConnectionEndsForGood(t *testing.T) {
	t.Parallel()
	c := dial(t, natsnet.Config{Servers: endsForGood(t), Node: "n1"})
	defer c.Close()
	go c.Joined(t.Context()) // it pings
	if _, err := c.Read(make([]byte, 10)); err == nil || !strings.Contains(err.Error(), "the connection has ended: nats: go away") {
		t.Errorf("Read: %v", err)
	}
}

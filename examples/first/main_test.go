package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy/eddytest"
)

func TestLostReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1", "n2")
		net.Start("n1", newNode())
		net.Start("n2", newNode())
		net.Lose("n2", "n1", 1) // the next message from n2 to n1

		reply := net.Client("c1").Call("n1", `{"type":"relay","target":"n2","payload":{"type":"echo","echo":"hi"}}`)

		if attempts, _ := reply.Body.Get("attempts").Int(); attempts != 2 {
			t.Errorf("%d attempts, want 2; the reply is %s", attempts, reply.Body)
		}
	})
}

func TestUnderFaults(t *testing.T) {
	eddytest.Check(t, newNode, eddytest.Test{
		Workload: "relay", Nodes: 3, Rate: 50, Time: 5 * time.Second,
		Latency: "exponential:20ms", Loss: 0.1, Nemesis: "partition,pause", Seeds: 20,
	})
}

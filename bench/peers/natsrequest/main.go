// Command natsrequest is the exchange of the command nats, written with nats.go alone
// as its users write it: Subscribe and Respond, and Request in a loop of three.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/eddyrpc/eddy/bench/internal/load"
)

type request struct {
	Type    string          `json:"type"`
	Target  string          `json:"target"`
	Payload json.RawMessage `json:"payload"`
	Key     int             `json:"key"`
}

type reply struct {
	Type     string          `json:"type"`
	Attempts int             `json:"attempts,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	Value    int             `json:"value"`
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("natsrequest: ")
	var l load.Load
	servers := flag.String("servers", "", "the servers' URLs")
	name := flag.String("name", "n1", "the name of this node")
	nodes := flag.Int("nodes", 2, "how many nodes there are, n1 and so on")
	flag.IntVar(&l.Calls, "calls", 0, "be a client that makes this many calls")
	flag.IntVar(&l.Open, "open", 64, "how many calls are open at a time")
	flag.Float64Var(&l.Rate, "rate", 0, "calls a second; 0 for as many as possible")
	flag.Parse()

	// The same settings as in natsnet.
	nc, err := nats.Connect(*servers, nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true),
		nats.ReconnectWait(100*time.Millisecond), nats.ReconnectJitter(100*time.Millisecond, 200*time.Millisecond),
		nats.PingInterval(2*time.Second), nats.MaxPingsOutstanding(1), nats.Timeout(2*time.Second))
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	if l.Calls > 0 {
		if err := ask(nc, l, *nodes); err != nil {
			log.Fatal(err)
		}
		return
	}
	if _, err := nc.Subscribe(subject(*name), func(m *nats.Msg) { serve(nc, m) }); err != nil {
		log.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}

func subject(name string) string { return "bench." + name }

func serve(nc *nats.Conn, m *nats.Msg) {
	var req request
	if err := json.Unmarshal(m.Data, &req); err != nil {
		log.Print(err)
		return
	}
	if req.Type == "read" {
		respond(m, reply{Type: "read_ok", Value: req.Key})
		return
	}
	// A subscription's callbacks run one after the other, so it must not wait here.
	go func() {
		result, attempts, err := call(nc, req.Target, req.Payload)
		if err != nil {
			respond(m, reply{Type: "error", Attempts: attempts})
			return
		}
		respond(m, reply{Type: "relay_ok", Attempts: attempts, Result: result})
	}()
}

func respond(m *nats.Msg, r reply) {
	data, err := json.Marshal(r)
	if err == nil {
		err = m.Respond(data)
	}
	if err != nil {
		log.Print(err)
	}
}

// call is what a loop around Request is: three attempts of half a second.
func call(nc *nats.Conn, to string, data []byte) (result []byte, attempts int, err error) {
	for attempts = 1; ; attempts++ {
		m, err := nc.Request(subject(to), data, 500*time.Millisecond)
		if err == nil {
			return m.Data, attempts, nil
		}
		if attempts == 3 {
			return nil, attempts, err
		}
	}
}

func ask(nc *nats.Conn, l load.Load, nodes int) error {
	return load.Run(l, l.Calls/10+nodes, func(i int) (int, error) {
		at := (i%nodes + nodes) % nodes
		body := fmt.Sprintf(`{"type":"relay","target":"n%d","payload":{"type":"read","key":%d}}`, (at+1)%nodes+1, i)
		data, attempts, err := call(nc, fmt.Sprintf("n%d", at+1), []byte(body))
		if err != nil {
			return attempts, err
		}
		var answer, result reply
		if err := json.Unmarshal(data, &answer); err != nil {
			log.Fatal(err)
		}
		if answer.Type == "error" {
			return attempts, fmt.Errorf("the relay failed after %d attempts", answer.Attempts)
		}
		if err := json.Unmarshal(answer.Result, &result); err != nil || result.Value != i {
			log.Fatalf("call %d was answered with %s", i, data)
		}
		return attempts, nil
	})
}

package main

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/examples/internal/challenge"
)

const pollAll = `{"type":"poll","offsets":{"a":0,"b":0}}`

// logs returns the messages of a reply to a poll, with their offsets.
func logs(t *testing.T, answer eddy.Message) map[string][][2]int64 {
	t.Helper()
	var body struct {
		Msgs map[string][][2]int64 `json:"msgs"`
	}
	if err := answer.Body.Decode(&body); err != nil || answer.Type() != "poll_ok" {
		t.Fatalf("reply to a poll: %s (%v)", answer.Body, err)
	}
	return body.Msgs
}

func keyOf(i int) string { return string(rune('a' + i/9%2)) }

// request is a send, a poll or a commit; each node gets them in turn.
func request(i int) any {
	switch i / 3 % 3 {
	case 0:
		return fmt.Sprintf(`{"type":"send","key":%q,"msg":%d}`, keyOf(i), i)
	case 1:
		return pollAll
	default:
		return fmt.Sprintf(`{"type":"commit_offsets","offsets":{%q:%d}}`, keyOf(i), i/20)
	}
}

// all polls both logs at a node until it returns no more messages.
func all(t *testing.T, c *challenge.Cluster, node string) map[string][][2]int64 {
	t.Helper()
	before := -1
	for {
		all := logs(t, c.Client.Call(node, pollAll))
		if count := len(all["a"]) + len(all["b"]); count > before {
			before = count
			continue
		}
		return all
	}
}

// On a bad network, with one node cut off for a while and another one restarted, each
// message is in its log at most once, at the offset that the reply said, all replies show
// the same order, and each acknowledged message is there in the end.
func TestLogs(t *testing.T) {
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			c := challenge.Start(t, 3, newNode)
			c.Services(seed)
			c.Faults(seed)
			answers := c.Load(100, 4*time.Second, func(i int) any {
				switch i {
				case 100:
					c.Isolate("n1", "lin-kv")
				case 200:
					c.Stop("n2") // the logs are in the service
					c.Net.Start("n2", newNode())
				case 300:
					c.Join("n1", "lin-kv")
				}
				return request(i)
			})
			time.Sleep(10 * time.Second)
			c.Latency(time.Millisecond) // no more faults
			all := all(t, c, "n0")
			once := map[int64]bool{}
			for key, log := range all {
				for i, entry := range log {
					if entry[0] != int64(i) || once[entry[1]] {
						t.Fatalf("%s: message %d has offset %d at index %d, or is there twice", key, entry[1], entry[0], i)
					}
					once[entry[1]] = true
				}
			}
			failed, committed := 0, map[string]int{}
			for i, a := range answers {
				switch a.Type() {
				case "send_ok":
					offset, _ := a.Body.Get("offset").Int()
					if log := all[keyOf(i)]; offset >= int64(len(log)) || log[offset][1] != int64(i) {
						t.Errorf("message %d was acknowledged with offset %d of %s, but is not there", i, offset, keyOf(i))
					}
				case "poll_ok":
					for key, log := range logs(t, a.Message) {
						if fmt.Sprint(log) != fmt.Sprint(all[key][:len(log)]) {
							t.Errorf("%s began with %v, and now begins with %v", key, log, all[key])
						}
					}
				case "commit_offsets_ok":
					committed[keyOf(i)] = max(committed[keyOf(i)], i/20)
				default:
					failed++
					if code, _ := a.Body.Get("code").Int(); eddy.Code(code).Definite() {
						t.Errorf("reply to request %d: %s", i, a.Body)
					}
				}
			}
			if failed == 0 || failed > 100 {
				t.Errorf("%d of 400 requests failed, want only some of those to the node that was cut off", failed)
			}
			for key, offset := range committed {
				list := fmt.Sprintf(`{"type":"list_committed_offsets","keys":[%q,"none"]}`, key)
				offsets := c.Client.Call("n0", list).Body.Get("offsets")
				if got, ok := offsets.Get(key).Int(); !ok || got < int64(offset) || offsets.Get("none") != nil {
					t.Errorf("the committed offset of %s is at least %d, but the list has %s", key, offset, offsets)
				}
			}
		})
	}
}

// A message that one node has acknowledged is in the next poll of another node.
func TestPollAfterSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := challenge.Start(t, 3, newNode)
		c.Services(1)
		for i := range 2*mostPolled + 1 {
			c.Client.Call(c.Nodes[i%3], fmt.Sprintf(`{"type":"send","key":"a","msg":%d}`, i))
			from := max(0, i-mostPolled+1)
			log := logs(t, c.Client.Call(c.Nodes[(i+1)%3], fmt.Sprintf(`{"type":"poll","offsets":{"a":%d}}`, from)))["a"]
			if last := int64(i); len(log) != min(i+1, mostPolled) || log[len(log)-1] != [2]int64{last, last} {
				t.Fatalf("after message %d was sent, the log from %d is %v", i, from, log)
			}
		}
	})
}

// The reply to an append is lost, and the message is appended once. Later a copy of the
// append arrives, and changes nothing.
func TestAppendArrivesTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := challenge.Start(t, 2, newNode)
		c.Services(1)
		c.Duplicate("n0", "lin-kv", 100)
		lost := 0
		c.Script(func(m eddy.Message) eddytest.Fate {
			switch {
			case m.Type() == "cas_ok" && lost < 2:
				lost++
				return eddytest.Lost
			case m.Type() == "cas":
				return eddytest.Fate{0, time.Minute}
			}
			return eddytest.Arrives
		})
		for i := range 3 {
			if m := c.Client.Call(c.Nodes[i%2], fmt.Sprintf(`{"type":"send","key":"a","msg":%d}`, i)); string(m.Body.Get("offset")) != fmt.Sprint(i) {
				t.Errorf("message %d got %s", i, m.Body)
			}
		}
		time.Sleep(2 * time.Minute)
		for _, node := range c.Nodes {
			if log := fmt.Sprint(all(t, c, node)["a"]); log != "[[0 0] [1 1] [2 2]]" || lost != 2 {
				t.Errorf("the log is %s", log)
			}
		}
	})
}

// Requests that no correct client sends get errors, and empty results are objects.
func TestRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := challenge.Start(t, 1, newNode)
		c.Services(1)
		for _, call := range []struct{ request, want string }{
			{`{"type":"send","key":"k1","msg":123}`, `{"type":"send_ok","offset":0}`},
			{`{"type":"send","key":"k1","msg":{"big": 9007199254740993}}`, `{"type":"send_ok","offset":1}`},
			{`{"type":"send","key":"k2"}`, `{"type":"error","code":12,"text":"send needs key and msg"}`},
			{`{"type":"poll","offsets":{"k1":1,"k3":0}}`, `{"type":"poll_ok","msgs":{"k1":[[1,{"big":9007199254740993}]]}}`},
			{`{"type":"poll","offsets":{"k1":-1}}`, `{"type":"poll_ok","msgs":{"k1":[[0,123],[1,{"big":9007199254740993}]]}}`},
			{`{"type":"poll","offsets":{"k1":9223372036854775807}}`, `{"type":"poll_ok","msgs":{}}`},
			{`{"type":"poll","offsets":{"k1":"x"}}`, `{"type":"error","code":12,"text":"a string is not what was expected at /offsets/k1"}`},
			{`{"type":"commit_offsets","offsets":{"k1":1}}`, `{"type":"commit_offsets_ok"}`},
			{`{"type":"commit_offsets","offsets":{"k1":0}}`, `{"type":"commit_offsets_ok"}`},
			{`{"type":"list_committed_offsets","keys":["k1","k3"]}`, `{"type":"list_committed_offsets_ok","offsets":{"k1":1}}`},
		} {
			reply := string(c.Client.Call("n0", call.request).Body)
			if got, _, _ := strings.Cut(reply, `,"in_reply_to"`); got+"}" != call.want {
				t.Errorf("%s\ngot  %s\nwant %s", call.request, reply, call.want)
			}
		}
	})
}

func TestCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := challenge.Start(t, 2, newNode)
		c.Services(1)
		c.Latency(time.Millisecond)
		c.Load(200, 2*time.Second, request)
		challenge.Row(t, "5a, b, c Kafka-style log", fmt.Sprintf("%s | %.1f | 2 nodes, 200/s, 1 ms to the service", challenge.Program(t), c.PerOp()))
	})
}

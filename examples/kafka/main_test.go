package main

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
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

// On a bad network, with a node cut off for a while, each message is in its log at most
// once, at the offset that the reply said, and all replies show the same order.
func TestLogs(t *testing.T) {
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			c := challenge.Start(t, 3, newNode)
			c.Faults(seed)
			answers := c.Load(100, 4*time.Second, func(i int) any {
				switch i {
				case 100:
					c.Isolate("n1")
				case 300:
					c.Join("n1")
				}
				return request(i)
			})
			time.Sleep(10 * time.Second)
			all := logs(t, c.Client.Call("n0", pollAll))
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
				if a.Src == "n0" && a.Answered > a.Asked {
					t.Errorf("n0 waited for other nodes before its reply %s", a.Body)
				}
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
					committed[keyOf(i)] = i / 20
				default:
					failed++
					if code, _ := a.Body.Get("code").Int(); code != int64(eddy.Timeout) {
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

func TestCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := challenge.Start(t, 2, newNode)
		c.Latency(5 * time.Millisecond)
		c.Load(1000, time.Second, request)
		challenge.Row(t, "5a, b, c Kafka-style log", fmt.Sprintf("%s | %.2f | 2 nodes, 1000/s", challenge.Program(t), c.PerOp()))
	})
}

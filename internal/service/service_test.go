package service

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// serve serves a body without ids and returns the reply's body without
// in_reply_to.
func serve(t testing.TB, s *Service, src, body string) string {
	t.Helper()
	var head struct{ Type string }
	if err := json.Unmarshal([]byte(body), &head); err != nil {
		t.Fatal(err)
	}
	reply, ok := strings.CutSuffix(string(s.Serve(src, head.Type, []byte(body), 7)), `,"in_reply_to":7}`)
	if !ok {
		t.Fatalf("%s: the reply is %s", body, reply)
	}
	return reply + "}"
}

func service(t testing.TB, name string, seed uint64) *Service {
	t.Helper()
	s, err := New(name, seed)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReplies(t *testing.T) {
	for _, c := range []struct{ service, body, want string }{
		{"lin-kv", `{"type":"read","key":1}`, `{"type":"error","code":20,"text":"key 1 does not exist"}`},
		{"lin-kv", `{"type":"write","key":1,"value":{"b":1, "a":[2]}}`, `{"type":"write_ok"}`},
		{"lin-kv", `{"type":"read","key": 1}`, `{"type":"read_ok","value":{"b":1, "a":[2]}}`},
		{"lin-kv", `{"type":"read","key":"1"}`, `{"type":"error","code":20,"text":"key \"1\" does not exist"}`},
		{"lin-kv", `{"type":"cas","key":1,"from":{"a":[2],"b":1},"to":9007199254740993}`, `{"type":"cas_ok"}`},
		{"lin-kv", `{"type":"cas","key":1,"from":9007199254740992,"to":5}`, `{"type":"error","code":22,"text":"key 1 is 9007199254740993, not 9007199254740992"}`},
		{"lin-kv", `{"type":"cas","key":2,"from":1,"to":5}`, `{"type":"error","code":20,"text":"key 2 does not exist"}`},
		{"lin-kv", `{"type":"cas","key":2,"from":1,"to":5,"create_if_not_exists":true}`, `{"type":"cas_ok"}`},
		{"lin-kv", `{"type":"read","key":2}`, `{"type":"read_ok","value":5}`},
		{"lin-kv", `{"type":"write","key":2}`, `{"type":"error","code":12,"text":"write needs value"}`},
		{"lin-kv", `{"type":"write","key":2,"value":null}`, `{"type":"write_ok"}`},
		{"lin-kv", `{"type":"read","key":2}`, `{"type":"read_ok","value":null}`},
		{"lin-kv", `{"type":"delete","key":2}`, `{"type":"error","code":10,"text":"type delete is not supported: must be read, write or cas"}`},
		{"lin-tso", `{"type":"ts"}`, `{"type":"ts_ok","ts":0}`},
		{"lin-tso", `{"type":"ts"}`, `{"type":"ts_ok","ts":1}`},
		{"lin-tso", `{"type":"read"}`, `{"type":"error","code":10,"text":"type read is not supported: must be ts"}`},
	} {
		t.Run(c.body, func(t *testing.T) {
			if got := serve(t, shared(t, c.service), "n1", c.body); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
	clear(services)
}

// services are those that the rows of TestReplies share.
var services = map[string]*Service{}

func shared(t *testing.T, name string) *Service {
	if services[name] == nil {
		services[name] = service(t, name, 1)
	}
	return services[name]
}

func TestUnknownService(t *testing.T) {
	if _, err := New("kv", 1); err == nil || !strings.Contains(err.Error(), "lin-kv, seq-kv, lww-kv, lin-tso") {
		t.Error(err)
	}
}

// value reads the key x. It returns -1 if the key does not exist.
func value(t testing.TB, s *Service, src string) int {
	var reply struct{ Value, Code int }
	if err := json.Unmarshal([]byte(serve(t, s, src, `{"type":"read","key":"x"}`)), &reply); err != nil {
		t.Fatal(err)
	}
	if reply.Code != 0 {
		return -1
	}
	return reply.Value
}

// The values written ascend. No requester of seq-kv reads a smaller value than
// before, or one that is older than its own last write.
func TestSeqKVIsMonotonic(t *testing.T) {
	stale := 0
	rapid.Check(t, func(rt *rapid.T) {
		s := service(t, "seq-kv", rapid.Uint64().Draw(rt, "seed"))
		read := map[string]int{"n1": -1, "n2": -1, "n3": -1}
		for i := range rapid.IntRange(1, 40).Draw(rt, "operations") {
			src := rapid.SampledFrom([]string{"n1", "n2", "n3"}).Draw(rt, "src")
			if rapid.Bool().Draw(rt, "write") {
				serve(t, s, src, fmt.Sprintf(`{"type":"write","key":"x","value":%d}`, i))
				read[src] = i
				continue
			}
			got := value(t, s, src)
			if got < read[src] {
				rt.Fatalf("%s read %d after %d", src, got, read[src])
			}
			read[src] = got
			for _, other := range read {
				if other > got {
					stale++
					break
				}
			}
		}
	})
	if stale == 0 {
		t.Error("no read was stale")
	}
}

// In seq-kv a counter that is changed only by cas loses no increment.
func TestSeqKVCas(t *testing.T) {
	s := service(t, "seq-kv", 3)
	serve(t, s, "n1", `{"type":"write","key":"x","value":0}`)
	random, increments := rand.New(rand.NewPCG(1, 2)), 0
	for range 1000 {
		src := fmt.Sprintf("n%d", random.IntN(3))
		current := value(t, s, src)
		if strings.Contains(serve(t, s, src, fmt.Sprintf(`{"type":"cas","key":"x","from":%d,"to":%d}`, current, current+1)), "cas_ok") {
			increments++
		}
	}
	serve(t, s, "n1", `{"type":"write","key":"y","value":0}`) // moves the position to the end
	if got := value(t, s, "n1"); got != increments || increments < 100 {
		t.Errorf("the counter is %d after %d increments", got, increments)
	}
}

// A write or a cas moves its requester to the end of the order only if it changes
// something.
func TestSeqKVServesRequestsWithoutChangeInThePast(t *testing.T) {
	for _, c := range []struct {
		name, body string
		fresh      bool
	}{
		{"another value", `{"type":"write","key":"y","value":%d}`, true},
		{"the same value", `{"type":"write","key":"y","value":0}`, false},
		{"a cas from a value to itself", `{"type":"cas","key":"x","from":0,"to":0}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, stale := service(t, "seq-kv", 1), 0
			for i := range 100 {
				serve(t, s, "n1", fmt.Sprintf(`{"type":"write","key":"x","value":%d}`, i))
				serve(t, s, "n1", fmt.Sprintf(`{"type":"write","key":"y","value":%d}`, -i))
				serve(t, s, "n2", strings.Replace(c.body, "%d", fmt.Sprint(i+1), 1))
				if value(t, s, "n2") != i {
					stale++
				}
			}
			if c.fresh != (stale == 0) {
				t.Errorf("%d reads of 100 were stale", stale)
			}
		})
	}
}

func TestLWWIsEventuallyConsistent(t *testing.T) {
	s := service(t, "lww-kv", 1)
	missed := 0
	for i := range 100 {
		serve(t, s, "n1", fmt.Sprintf(`{"type":"write","key":"x","value":%d}`, i))
		if value(t, s, "n1") != i {
			missed++
		}
	}
	if missed == 0 || missed == 100 {
		t.Errorf("%d reads of 100 missed the own write", missed)
	}
	for range 1000 {
		value(t, s, "n2")
	}
	for range 100 {
		if got := value(t, s, "n1"); got != 99 {
			t.Fatalf("the last value read is %d", got)
		}
	}
}

func TestSameSeedSameReplies(t *testing.T) {
	replies := func(seed uint64) (all string) {
		s := service(t, "lww-kv", seed)
		for i := range 30 {
			serve(t, s, "n1", fmt.Sprintf(`{"type":"write","key":"x","value":%d}`, i))
			all += fmt.Sprint(value(t, s, "n2"), " ")
		}
		return all
	}
	if first, again, other := replies(1), replies(1), replies(2); first != again || first == other {
		t.Errorf("%s\n%s\n%s", first, again, other)
	}
}

package service

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// ask sends a body without ids and returns the answer's, without in_reply_to.
func ask(t testing.TB, s *Service, src, body string) string {
	t.Helper()
	var request struct{ Type string }
	if err := json.Unmarshal([]byte(body), &request); err != nil {
		t.Fatal(err)
	}
	answer, ok := strings.CutSuffix(string(s.Answer(src, request.Type, []byte(body), 7)), `,"in_reply_to":7}`)
	if !ok {
		t.Fatalf("%s: answered with %s", body, answer)
	}
	return answer + "}"
}

func service(t testing.TB, name string, seed uint64) *Service {
	t.Helper()
	s, err := New(name, seed)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAnswers(t *testing.T) {
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
		{"lin-kv", `{"type":"delete","key":2}`, `{"type":"error","code":10,"text":"delete is none of read, write, cas"}`},
		{"lin-tso", `{"type":"ts"}`, `{"type":"ts_ok","ts":0}`},
		{"lin-tso", `{"type":"ts"}`, `{"type":"ts_ok","ts":1}`},
		{"lin-tso", `{"type":"read"}`, `{"type":"error","code":10,"text":"read is not ts"}`},
	} {
		t.Run(c.body, func(t *testing.T) {
			if got := ask(t, shared(t, c.service), "n1", c.body); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
	clear(kept)
}

// kept are the services that the rows of a table talk to, one after another.
var kept = map[string]*Service{}

func shared(t *testing.T, name string) *Service {
	if kept[name] == nil {
		kept[name] = service(t, name, 1)
	}
	return kept[name]
}

func TestUnknownService(t *testing.T) {
	if _, err := New("kv", 1); err == nil || !strings.Contains(err.Error(), "lin-kv, seq-kv, lww-kv, lin-tso") {
		t.Error(err)
	}
}

// value reads one key, -1 if it is not there.
func value(t testing.TB, s *Service, src string) int {
	var answer struct{ Value, Code int }
	if err := json.Unmarshal([]byte(ask(t, s, src, `{"type":"read","key":"x"}`)), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Code != 0 {
		return -1
	}
	return answer.Value
}

// Writes of ascending values: no asker of seq-kv sees a smaller one than
// before, and none misses its own.
func TestSeqKVNeverGoesBack(t *testing.T) {
	stale := 0
	rapid.Check(t, func(rt *rapid.T) {
		s := service(t, "seq-kv", rapid.Uint64().Draw(rt, "seed"))
		saw := map[string]int{"n1": -1, "n2": -1, "n3": -1}
		for i := range rapid.IntRange(1, 40).Draw(rt, "operations") {
			src := rapid.SampledFrom([]string{"n1", "n2", "n3"}).Draw(rt, "src")
			if rapid.Bool().Draw(rt, "write") {
				ask(t, s, src, fmt.Sprintf(`{"type":"write","key":"x","value":%d}`, i))
				saw[src] = i
				continue
			}
			got := value(t, s, src)
			if got < saw[src] {
				rt.Fatalf("%s saw %d after %d", src, got, saw[src])
			}
			saw[src] = got
			for _, other := range saw {
				if other > got {
					stale++
					break
				}
			}
		}
	})
	if stale == 0 {
		t.Error("no read was ever old")
	}
}

// A counter that is raised by cas alone loses nothing in seq-kv.
func TestSeqKVCas(t *testing.T) {
	s := service(t, "seq-kv", 3)
	ask(t, s, "n1", `{"type":"write","key":"x","value":0}`)
	random, raised := rand.New(rand.NewPCG(1, 2)), 0
	for range 1000 {
		src := fmt.Sprintf("n%d", random.IntN(3))
		now := value(t, s, src)
		if strings.Contains(ask(t, s, src, fmt.Sprintf(`{"type":"cas","key":"x","from":%d,"to":%d}`, now, now+1)), "cas_ok") {
			raised++
		}
	}
	ask(t, s, "n1", `{"type":"write","key":"y","value":0}`) // goes to the end
	if got := value(t, s, "n1"); got != raised || raised < 100 {
		t.Errorf("raised %d times to %d", raised, got)
	}
}

// A write takes its asker to the end only if it changes something, and so does a
// cas.
func TestSeqKVServesInThePastWhatChangesNothing(t *testing.T) {
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
				ask(t, s, "n1", fmt.Sprintf(`{"type":"write","key":"x","value":%d}`, i))
				ask(t, s, "n1", fmt.Sprintf(`{"type":"write","key":"y","value":%d}`, -i))
				ask(t, s, "n2", strings.Replace(c.body, "%d", fmt.Sprint(i+1), 1))
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

func TestLWWForgetsAndAgrees(t *testing.T) {
	s := service(t, "lww-kv", 1)
	missed := 0
	for i := range 100 {
		ask(t, s, "n1", fmt.Sprintf(`{"type":"write","key":"x","value":%d}`, i))
		if value(t, s, "n1") != i {
			missed++
		}
	}
	if missed == 0 || missed == 100 {
		t.Errorf("%d own writes of 100 were missed", missed)
	}
	for range 1000 {
		value(t, s, "n2")
	}
	for range 100 {
		if got := value(t, s, "n1"); got != 99 {
			t.Fatalf("in the end it is %d", got)
		}
	}
}

func TestSeedChooses(t *testing.T) {
	answers := func(seed uint64) (all string) {
		s := service(t, "lww-kv", seed)
		for i := range 30 {
			ask(t, s, "n1", fmt.Sprintf(`{"type":"write","key":"x","value":%d}`, i))
			all += fmt.Sprint(value(t, s, "n2"), " ")
		}
		return all
	}
	if first, again, other := answers(1), answers(1), answers(2); first != again || first == other {
		t.Errorf("%s\n%s\n%s", first, again, other)
	}
}

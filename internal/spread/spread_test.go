package spread

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/eddyrpc/eddy/internal/sim"
)

// journal parses a journal, one message or event per line, in the order of sending, with
// times in milliseconds:
//
//	10-12 c1>n1 broadcast {"message":17}    delivered
//	20-25 n1>n2 gossip {"values":[17]} lost or another fate
//	20 begin n1>n2,n2>n1                    a partition
//	30 end
//	40 killed n1
func journal(t testing.TB, script string) *sim.Journal {
	t.Helper()
	var text strings.Builder
	step, messages := 0, 0
	next := func() int { step++; return step }
	for line := range strings.Lines(script) {
		word := strings.Fields(line)
		sent, done, _ := strings.Cut(word[0], "-")
		at := ms(t, sent)
		switch word[1] {
		case "begin":
			links := `"` + strings.ReplaceAll(word[2], ",", `","`) + `"`
			fmt.Fprintf(&text, `{"at_ns":%d,"step":%d,"event":"begin","fault":1,"begun":{"kind":"partition","shape":"halves","nodes":["n1"],"links":[%s]}}`+"\n", at, next(), links)
			continue
		case "end":
			fmt.Fprintf(&text, `{"at_ns":%d,"step":%d,"event":"end","fault":1}`+"\n", at, next())
			continue
		case "killed":
			fmt.Fprintf(&text, `{"at_ns":%d,"step":%d,"event":"killed","node":%q}`+"\n", at, next(), word[2])
			continue
		}
		src, dest, _ := strings.Cut(word[1], ">")
		fate := "delivered"
		if len(word) > 4 {
			fate = word[4]
		}
		id := ""
		if !strings.HasSuffix(word[2], "_ok") {
			id = fmt.Sprintf(`,"msg_id":%d`, messages)
		}
		body := fmt.Sprintf(`{"type":%q%s,%s`, word[2], id, strings.TrimPrefix(word[3], "{"))
		fmt.Fprintf(&text, `{"message":%d,"src":%q,"dest":%q,"sent_ns":%d,"step":%d,"fate":%q,"done_ns":%d,"done_step":%d,"body":%s}`+"\n",
			messages, src, dest, at, next(), fate, ms(t, done), next(), body)
		messages++
	}
	j, err := sim.ReadJournal(strings.NewReader(text.String()))
	if err != nil {
		t.Fatalf("%v\n%s", err, text.String())
	}
	return j
}

func ms(t testing.TB, text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n * 1e6
}

// TestWays follows elements through journals.
func TestWays(t *testing.T) {
	datadriven.RunTest(t, "testdata/ways", func(t *testing.T, d *datadriven.TestData) string {
		s := New(journal(t, d.Input), Request{"broadcast", "message"})
		var element int64
		var node string
		d.ScanArgs(t, "element", &element)
		d.ScanArgs(t, "node", &node)
		way := s.Ways([]Want{{element, node, 1e9}}, []string{"n1", "n2", "n3"})[0]
		return fmt.Sprintf("%s\nmessages %v, without %v\n", strings.Join(way.Lines(), "\n"), way.Messages(), way.Without)
	})
}

// TestTraffic judges what messages between nodes were for.
func TestTraffic(t *testing.T) {
	datadriven.RunTest(t, "testdata/traffic", func(t *testing.T, d *datadriven.TestData) string {
		s := New(journal(t, d.Input), Request{"broadcast", "message"})
		line := map[string][]string{"n1": {"n2"}, "n2": {"n1", "n3"}, "n3": {"n2"}}
		traffic, slowest := s.Traffic([]string{"n1", "n2", "n3"}, line)
		sum := traffic.New + traffic.Known + traffic.Repeated + traffic.Lost + traffic.Without
		if sum != traffic.Messages {
			t.Errorf("%d messages, but %d were for something: %+v", traffic.Messages, sum, traffic)
		}
		return fmt.Sprintf("%v\ntypes: %v\nlinks: %v\nslowest: %v\n", traffic, traffic.Types(), traffic.Links(), slowest)
	})
}

// The diameter of each topology is that of its definition.
func TestDiameter(t *testing.T) {
	for want, edges := range map[int]string{0: "a", 1: "a-b b-c c-a", 3: "a-b b-c c-d"} {
		graph := map[string][]string{}
		for edge := range strings.FieldsSeq(edges) {
			from, to, joined := strings.Cut(edge, "-")
			graph[from] = append(graph[from], nil...)
			if joined {
				graph[from], graph[to] = append(graph[from], to), append(graph[to], from)
			}
		}
		if got := diameter(graph); got != want {
			t.Errorf("the diameter of %s is %d", edges, got)
		}
	}
}

// Integers are found in any form, but ids of messages are left out.
func TestIntegers(t *testing.T) {
	for body, want := range map[string]string{
		`{"type":"g","values":[1, 2,3]}`:                        "1 2 3",
		`{"a":{"b":[{"v":1},{"v":2}]}}`:                         "1 2",
		`{"values":{"7":true,"8":{"by":"n1"}}}`:                 "7 8",
		`{"v":"17","w":"x17","\"1\"":2}`:                        "17 2",
		`{"msg_id":5,"in_reply_to":6,"inner":{"msg_id":[1,2]}}`: "",
		`{"v":1.0,"w":1.5,"x":-3,"y":null,"z":true,"e":1e3}`:    "1 -3",
		`{"v":12345678901234567890}`:                            "",
		`[[],{},"]}",4]`:                                        "4",
		`{"broken`:                                              "",
		`{"broken":[1`:                                          "1",
	} {
		var found []string
		integers("t", []byte(body), func(_ uint64, v int64) { found = append(found, fmt.Sprint(v)) })
		if got := strings.Join(found, " "); got != want {
			t.Errorf("%s: found %q, want %q", body, got, want)
		}
	}
	where := func(body string) (at uint64) {
		integers("t", []byte(body), func(w uint64, _ int64) { at = w })
		return at
	}
	if where(`{"v":[1]}`) != where(`{"v":[2,3]}`) || where(`{"v":1}`) == where(`{"w":1}`) || where(`{"v":1}`) == where(`{"v":"1"}`) {
		t.Error("places are not told apart by names and forms only")
	}
}

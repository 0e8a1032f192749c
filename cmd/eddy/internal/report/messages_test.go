package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/message"
)

var keep = flag.String("keep-svg", "", "directory to leave the tests' pictures in")

var nodes = []string{"n0", "n1", "n2"}

const milli = time.Millisecond

// relays is a network of clients, relays and their targets, with faults.
func relays(t testing.TB, clients, calls int) *sim.Network {
	n := sim.New(sim.Config{Seed: 5, Latency: sim.Exponential(8 * milli), Loss: 0.1, Duplicate: 0.1, ClientLatency: sim.Constant(milli)})
	send := func(now time.Duration, src, dest, body string) {
		m, err := message.New(src, dest, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		n.Send(now, m)
	}
	ids := map[string]int{}
	cut := 0
	for call := range calls {
		now := time.Duration(call) * 6 * milli
		switch call {
		case 10:
			cut = n.Begin(now, sim.Fault{Kind: sim.Partition, Shape: "one-way", Nodes: []string{"n1"}, Links: []sim.Link{{From: "n0", To: "n1"}, {From: "n2", To: "n1"}}})
		case 14:
			n.Begin(now, sim.Fault{Kind: sim.Pause, Nodes: []string{"n2"}})
		case 16:
			n.End(now, cut)
			n.Killed("n0", now)
		case 18:
			n.End(now, 2)
			n.Started("n0", 1, now)
		}
		client, node, target := fmt.Sprintf("c%d", call%clients), nodes[call%3], nodes[(call+1)%3]
		send(now, client, node, fmt.Sprintf(`{"type":"relay","target":%q,"echo":"<%d>","msg_id":%d}`, target, call, call))
		for at := now; at < now+6*milli; at += milli {
			for d, ok := n.Due(at); ok; d, ok = n.Due(at) {
				ids[d.Dest]++
				switch d.Type {
				case "relay":
					send(at, d.Dest, nodes[(call+1)%3], fmt.Sprintf(`{"type":"echo","echo":%d,"msg_id":%d}`, call, ids[d.Dest]))
				case "echo":
					send(at, d.Dest, d.Src, fmt.Sprintf(`{"type":"echo_ok","echo":%d,"msg_id":%d,"in_reply_to":%d}`, call, ids[d.Dest], d.ID))
				case "echo_ok":
					send(at, d.Dest, client, fmt.Sprintf(`{"type":"relay_ok","msg_id":%d,"in_reply_to":%d}`, ids[d.Dest], call))
				}
			}
		}
	}
	return n
}

func picture(t *testing.T, name string, j *sim.Journal, p Picture) string {
	t.Helper()
	var b bytes.Buffer
	if err := Messages(&b, j, p); err != nil {
		t.Fatal(err)
	}
	if *keep != "" {
		if err := os.WriteFile(*keep+"/"+name+".svg", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for d := xml.NewDecoder(bytes.NewReader(b.Bytes())); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return b.String()
		} else if err != nil {
			t.Fatalf("%s: no XML: %v", name, err)
		}
	}
}

func TestMessages(t *testing.T) {
	j := relays(t, 2, 30).Journal()
	mark := &Mark{At: 100 * milli, Record: 60, Text: `double-answer: n1 answered <twice>`}
	svg := picture(t, "relays", j, Picture{Nodes: nodes, Mark: mark})
	for _, want := range []string{
		">n0<", ">n1<", ">c0<", `class="m lost"`, `class="m copy"`, `class="cross"`, `class="band"`,
		`class="pause"`, `class="down"`, `class="m culprit"`, "&lt;twice&gt;", "partition one-way n1: n0→n1 n2→n1",
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s in it", want)
		}
	}
}

// All of the call that went wrong is in the picture, bold and on top, however
// much lies between its messages.
func TestMessagesInvolved(t *testing.T) {
	j := relays(t, 10, 3000).Journal()
	for _, involved := range [][]int{{100, 130, 180}, {100, 4000, 4001, 9000}} {
		mark := &Mark{At: j.At(involved[1]).Sent, Record: involved[1], Involved: involved, Text: "too-soon"}
		svg := picture(t, fmt.Sprint("involved", len(involved)), j, Picture{Nodes: nodes, Mark: mark})
		last := strings.LastIndex(svg, "(message ")
		for _, i := range involved {
			at := strings.Index(svg, fmt.Sprintf("(message %d)", i))
			if at < 0 {
				t.Errorf("message %d is not there", i)
				continue
			}
			if !strings.Contains(svg[at:min(len(svg), at+800)], ` guilty"`) {
				t.Errorf("message %d is not bold", i)
			}
		}
		if want := fmt.Sprintf("(message %d)", involved[len(involved)-1]); !strings.HasPrefix(svg[last:], want) {
			t.Errorf("%.20s is on top, not %s", svg[last:], want)
		}
		if n := strings.Count(svg, `class="m `); n > 300 {
			t.Errorf("%d messages drawn", n)
		}
	}
}

// However long the test, the picture shows what is near the mark.
func TestMessagesWindow(t *testing.T) {
	j := relays(t, 10, 3000).Journal()
	svg := picture(t, "window", j, Picture{Nodes: nodes, Mark: &Mark{At: 9 * time.Second, Record: -1, Text: "late"}, Limit: 100})
	if n := strings.Count(svg, `class="m `) - 6; n > 150 || n < 80 { // the legend has 6
		t.Errorf("%d messages drawn", n)
	}
	if !strings.Contains(svg, ">clients<") || strings.Contains(svg, ">c3<") || !strings.Contains(svg, `class="mark"`) {
		t.Error("not as it should be")
	}
	if len(svg) > 300_000 {
		t.Errorf("%d bytes", len(svg))
	}
}

func TestMessagesOfLittle(t *testing.T) {
	picture(t, "nothing", &sim.Journal{}, Picture{Nodes: nodes})
	picture(t, "nobody", &sim.Journal{}, Picture{Mark: &Mark{Record: 7}})
	n := sim.New(sim.Config{})
	m, _ := message.New("n0", "n0", []byte("{\"type\":\"\\u0000<&\\u0001\",\"x\":\"\x7f\"}"))
	n.Send(0, m)
	n.Drop(0, m, sim.UnknownDest)
	n.Due(0)
	picture(t, "self", n.Journal(), Picture{Nodes: []string{"n0"}, Mark: &Mark{}})
}

package trial

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
)

// A scene is a network with nodes n1 and n2, and what happens in it from 0 to 100 ms. A fault
// lasts from 30 to 60 ms. Each message is sent every 10 ms.
type scene struct {
	network  sim.Config
	fault    *sim.Fault
	messages []string // such as "n1 n2"
}

func (s *scene) play() *sim.Journal {
	s.network.Seed = 1
	n := sim.New(s.network)
	number := 0
	for now := time.Duration(0); now <= 200*time.Millisecond; now += time.Millisecond {
		switch {
		case now == 30*time.Millisecond && s.fault != nil:
			number = n.Begin(now, *s.fault)
			if s.fault.Kind == sim.Kill {
				n.Killed(s.fault.Nodes[0], now)
			}
		case now == 60*time.Millisecond && s.fault != nil:
			n.End(now, number)
		}
		if now%(10*time.Millisecond) == 5*time.Millisecond && now < 100*time.Millisecond {
			for _, link := range s.messages {
				src, dest, _ := strings.Cut(link, " ")
				n.Send(now, message.Message{Src: src, Dest: dest, Body: []byte(`{"type":"x"}`), Type: "x", ID: message.None, InReplyTo: message.None})
			}
		}
		for more := true; more; {
			_, more = n.Due(now)
		}
	}
	return n.Journal()
}

func oneLink(kind sim.FaultKind, shape string) *sim.Fault {
	return &sim.Fault{Kind: kind, Shape: shape, Nodes: []string{"n1"}, Links: []sim.Link{{From: "n1", To: "n2"}}, Delay: 20 * time.Millisecond, Loss: 1}
}

// Each nemesis that touched nothing has a note that says so. One that touched a message has
// none.
func TestNemesisWithoutEffect(t *testing.T) {
	const one, both = "n1", "n1 n2"
	clients := &sim.Fault{Kind: sim.Partition, Shape: sim.Clients, Nodes: []string{"n1"}, Links: []sim.Link{{From: sim.AnyClient, To: "n1"}, {From: "n1", To: sim.AnyClient}}}
	pause := &sim.Fault{Kind: sim.Pause, Nodes: []string{"n1"}}
	kill := &sim.Fault{Kind: sim.Kill, Nodes: []string{"n1"}}
	for _, test := range []struct {
		nodes, nemesis string
		fault          *sim.Fault
		messages       []string
		want           string
	}{
		{both, "partition", oneLink(sim.Partition, sim.OneWay), []string{"n1 n2"}, ""},
		{both, "partition", oneLink(sim.Partition, sim.OneWay), []string{"n2 n1", "c1 n1"}, "stopped none of the 10 messages between nodes"},
		{both, "partition", oneLink(sim.Partition, sim.OneWay), []string{"n1 lin-kv", "c1 n1"}, "stopped no message: the nodes sent each other none"},
		{both, "partition", nil, []string{"n1 n2"}, "did nothing: no such fault began"},
		{both, "partition", clients, []string{"c1 n1"}, "did nothing: no such fault began"},
		{both, "partition-ring", oneLink(sim.Partition, sim.One), []string{"n1 n2"}, ""},
		{one, "partition", nil, []string{"c1 n1"}, "did nothing: one node has no links to other nodes"},
		{one, "partition-clients", clients, []string{"c7 n1"}, ""},
		{one, "partition-clients", clients, []string{"c7 n2"}, "stopped none of the 10 messages of clients"},
		{both, "partition-clients", oneLink(sim.Partition, sim.One), []string{"c1 n1"}, "did nothing: no such fault began"},
		{both, "slow", oneLink(sim.Slow, ""), []string{"n1 n2"}, ""},
		{both, "slow", oneLink(sim.Slow, ""), []string{"n2 n1"}, "delayed none of the 10 messages between nodes"},
		{one, "slow", &sim.Fault{Kind: sim.Slow, Nodes: []string{"n1"}}, nil, "did nothing: one node has no links to other nodes"},
		{both, "flaky", oneLink(sim.Flaky, ""), []string{"n1 n2"}, ""},
		{both, "flaky", oneLink(sim.Flaky, ""), []string{"n2 n1"}, "lost or duplicated none of the 10 messages between nodes"},
		{both, "clog", oneLink(sim.Clog, ""), []string{"n1 n2"}, ""},
		{both, "clog", oneLink(sim.Clog, ""), []string{"n2 n1"}, "held back none of the 10 messages between nodes"},
		{one, "pause", pause, []string{"c1 n1"}, ""},
		{one, "pause", pause, []string{"c1 n2"}, "did nothing: no message came to a process while it was paused"},
		{one, "kill", kill, nil, ""},
		{one, "kill-wipe", kill, nil, "did nothing: no such fault began"},
		{one, "kill-wipe", &sim.Fault{Kind: sim.KillWipe, Nodes: []string{"n1"}}, nil, "killed no process"},
		{one, "kill-server", nil, nil, "did nothing: no such fault began"},
		{one, "partition-servers", &sim.Fault{Kind: sim.PartitionServers, Servers: []string{"s1"}}, nil, ""},
	} {
		s := scene{fault: test.fault, messages: test.messages}
		got := missingEffects(&Config{Nodes: strings.Fields(test.nodes), Nemeses: []string{test.nemesis, test.nemesis}}, s.play())
		var want []string
		if test.want != "" {
			want = []string{"--nemesis " + test.nemesis + " " + test.want}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s with %v and %v: %q, want %q", test.nemesis, test.fault, test.messages, got, want)
		}
	}
}

// So has each flag about messages.
func TestFlagsWithoutEffect(t *testing.T) {
	most, no := 0.999, 1e-9
	latency, err := sim.ParseDist("constant:3ms", nil)
	if err != nil {
		t.Fatal(err)
	}
	link := func(of sim.LinkConfig) sim.Config {
		return sim.Config{Links: map[sim.Link]sim.LinkConfig{{From: "n1", To: "n2"}: of, {From: "c*", To: "n1"}: of}}
	}
	for _, test := range []struct {
		network  sim.Config
		messages []string
		want     string
	}{
		{sim.Config{Loss: most, Duplicate: no, Latency: latency}, []string{"n1 lin-kv"},
			"--duplicate 1e-09 duplicated none of the 10 messages between nodes and services; --latency constant:3ms delayed none of the 10 messages between nodes and services"},
		{sim.Config{Loss: no, Duplicate: most, Latency: latency}, []string{"n1 n2"},
			"--loss 1e-09 lost none of the 20 messages between nodes and services"},
		{sim.Config{Loss: most, Duplicate: most, Latency: latency}, []string{"c1 n1"},
			"--loss 0.999 lost no message: the nodes sent messages to clients only; --duplicate 0.999 duplicated no message: the nodes sent messages to clients only; " +
				"--latency constant:3ms delayed no message: the nodes sent messages to clients only"},
		{sim.Config{ClientLoss: no, ClientLatency: latency}, []string{"c1 n1", "n1 n2"}, "--client-loss 1e-09 lost none of the 10 messages of clients"},
		{sim.Config{ClientLoss: most}, []string{"c1 n1"}, ""},
		{sim.Config{ClientLatency: latency}, []string{"n1 n2"}, "--client-latency constant:3ms delayed no message: there was none"},
		{link(sim.LinkConfig{Loss: &most}), []string{"n1 n2", "c3 n1"}, ""},
		{link(sim.LinkConfig{Loss: &no}), []string{"n1 n2", "n2 n1", "c3 n2"},
			"--link c*:n1:loss=1e-09 lost no message: there was none; --link n1:n2:loss=1e-09 lost none of the 10 messages of this link"},
		{link(sim.LinkConfig{Duplicate: &no, Latency: &latency}), []string{"n1 n2", "c3 n1"},
			"--link c*:n1:duplicate=1e-09 duplicated none of the 10 messages of this link; --link n1:n2:duplicate=1e-09 duplicated none of the 10 messages of this link"},
		{sim.Config{StaleReplies: true}, nil, "--stale-replies delivered no reply: no process was killed"},
	} {
		s := scene{network: test.network, messages: test.messages}
		if got := strings.Join(missingEffects(&Config{Nodes: []string{"n1", "n2"}, Network: test.network}, s.play()), "; "); got != test.want {
			t.Errorf("%+v with %v:\n%s\nwant\n%s", test.network, test.messages, got, test.want)
		}
	}
}

// A test that ended early says why, and nothing about its faults.
func TestEffectsOfAStoppedTest(t *testing.T) {
	for _, stopped := range []string{"", "interrupted"} {
		d := newDesk(t, "echo", sim.Config{Loss: 0.1})
		d.stopped = stopped
		d.noteEffects()
		if notes := d.notes.texts(); (len(notes) > 0) != (stopped == "") {
			t.Errorf("stopped %q: %s", stopped, fmt.Sprint(notes))
		}
	}
}

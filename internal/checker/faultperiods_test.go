package checker

import (
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
)

func TestFaultPeriods(t *testing.T) {
	const message = `{"message":0,"src":"n1","dest":"n2","sent_ns":10000000000,"step":1,"fate":"FATE","done_ns":10000000000,"done_step":2,"body":{"type":"x"}}`
	for _, test := range []struct {
		name, journal string
		from, to      float64 // in seconds; both 0: never
	}{
		{"nothing", "", 0, 0},
		{"a delivered message", strings.Replace(message, "FATE", "delivered", 1), 0, 0},
		{"a lost message", strings.Replace(message, "FATE", "lost", 1), 10, 12},
		{"a message that the carrier lost", strings.Replace(message, "FATE", "lost-by-carrier", 1), 10, 12},
		{"a fault", `{"at_ns":10000000000,"step":1,"event":"begin","fault":1,"begun":{"kind":"slow"}}
{"at_ns":20000000000,"step":2,"event":"end","fault":1}`, 10, 22},
		{"a fault of servers lasts until they have recovered", `{"at_ns":10000000000,"step":1,"event":"begin","fault":1,"begun":{"kind":"kill-server","servers":["s1"]}}
{"at_ns":20000000000,"step":2,"event":"end","fault":1}
{"at_ns":25000000000,"step":3,"event":"servers-recovered"}`, 10, 27},
		{"or until the end", `{"at_ns":10000000000,"step":1,"event":"begin","fault":1,"begun":{"kind":"partition-servers","servers":["s1"]}}
{"at_ns":20000000000,"step":2,"event":"end","fault":1}`, 10, 1e6},
	} {
		j, err := sim.ReadJournal(strings.NewReader(test.journal))
		if err != nil {
			t.Fatal(err)
		}
		periods := FaultPeriodsOf(j)
		at := func(s float64) bool {
			d := time.Duration(s * float64(time.Second))
			return periods.Overlap(d, d)
		}
		never := test.to == 0
		if at(test.from-0.1) || !never && (!at(test.from) || !at(test.to)) || test.to < 1e6 && at(test.to+0.1) || never && periods.Overlap(0, 1<<62) {
			t.Errorf("%s: %v", test.name, periods)
		}
	}
}

// Messages that the carrier lost at different times are separate periods.
func TestCarrierLossIsAPeriodPerMessage(t *testing.T) {
	n := sim.New(sim.Config{})
	n.SetCarrier(func(*sim.Record) {})
	for _, at := range []time.Duration{1, 2, 30, 31} {
		n.Send(at*time.Second, message.Message{Src: "n1", Dest: "n2", Body: []byte(`{"type":"x"}`), Type: "x", ID: message.None, InReplyTo: message.None})
		n.Due(at * time.Second)
	}
	n.LoseCarried(n.CarriedCount())
	periods := FaultPeriodsOf(n.Journal())
	if len(periods) != 2 || !periods.Overlap(4*time.Second, 4*time.Second) || periods.Overlap(5*time.Second, 29*time.Second) {
		t.Errorf("%v", periods)
	}
}

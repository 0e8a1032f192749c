package testnode

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// BuggyReplicas are nodes for g-set, if set is true, and for counters, each with one bug.
var BuggyReplicas = map[string]func(p *program.Process, set bool){
	"tells-nobody":   bugged(func(r *replica) { r.period = 0 }),
	"tells-late":     bugged(func(r *replica) { r.period = 2 * time.Second }), // too late before a kill
	"loses-some":     bugged(func(r *replica) { r.onEach(5, func(m Message) { r.Reply(m, `{"type":"add_ok"}`) }) }),
	"forgets":        bugged(forgets),
	"keeps-some":     bugged(keepsSome),
	"reads-writes":   readsAndWrites,
	"swaps-again":    swapsAgain,
	"counts-copies":  bugged(countsCopies),
	"invents":        bugged(func(r *replica) { r.onEach(5, func(m Message) { r.store("x", 1000); r.ack(m) }) }),
	"predicts":       bugged(predicts),
	"off-by-one":     bugged(func(r *replica) { r.shown = func() string { return fmt.Sprint(r.sum() + 1) } }),
	"drops-negative": bugged(dropsNegative),
	"refuses-falsely": bugged(func(r *replica) {
		r.onEach(4, func(m Message) {
			r.add(m)
			r.Reply(m, `{"type":"error","code":14,"text":"conflict"}`)
		})
	}),
	"returns-twice": bugged(func(r *replica) {
		r.shown = func() string { return with(r.elements(nil), 0, 0) }
	}),
	"adds-again":      bugged(addsAgain),
	"flaps":           bugged(flaps),
	"goes-back":       bugged(goesBack),
	"returns-text":    bugged(func(r *replica) { r.shown = func() string { return `"` + fmt.Sprint(r.sum()) + `"` } }),
	"returns-texts":   bugged(func(r *replica) { r.shown = func() string { return `["0"]` } }),
	"returns-float":   bugged(func(r *replica) { r.shown = func() string { return fmt.Sprintf("%d.0", r.sum()) } }),
	"returns-null":    bugged(func(r *replica) { r.shown = func() string { return "null" } }),
	"returns-no-more": bugged(returnsNoMore),
	"no-value":        bugged(func(r *replica) { r.reading = func(m Message) bool { r.Reply(m, `{"type":"read_ok"}`); return true } }),
	"wrong-field": bugged(func(r *replica) {
		r.reading = func(m Message) bool { r.Reply(m, `{"type":"read_ok","messages":`+r.value()+`}`); return true }
	}),
	"extra-field": bugged(func(r *replica) {
		r.onEach(1, func(m Message) { r.add(m); r.Reply(m, `{"type":"add_ok","value":`+r.value()+`}`) })
	}),
	"wrong-type": bugged(func(r *replica) { r.onEach(1, func(m Message) { r.add(m); r.Reply(m, `{"type":"ok"}`) }) }),
	"skips-one":  bugged(func(r *replica) { r.onEach(4, func(m Message) { r.add(m) }) }),
	"mostly-refuses": bugged(func(r *replica) {
		requests := 0
		refuse := func(m Message) bool {
			if requests++; requests%20 == 5 {
				return false
			}
			r.Reply(m, `{"type":"error","code":13,"text":"crash"}`)
			return true
		}
		r.adding, r.reading = refuse, refuse
	}),
}

func bugged(change func(*replica)) func(*program.Process, bool) {
	return func(p *program.Process, set bool) {
		r := newReplica(p, set)
		change(r)
		r.Serve()
	}
}

// onEach makes the node handle every count-th add in another way.
func (r *replica) onEach(count int, do func(Message)) {
	r.adding = func(m Message) bool {
		if r.own%count != 0 {
			return false
		}
		do(m)
		return true
	}
}

// ack handles an add as a correct node does.
func (r *replica) ack(m Message) {
	r.add(m)
	r.Reply(m, `{"type":"add_ok"}`)
}

// forgets does not return its first add of all when 300 ms have passed.
func forgets(r *replica) {
	var first *Message
	var at time.Time
	r.adding = func(m Message) bool {
		if first == nil {
			first, at = &m, time.Now()
		}
		return false
	}
	r.shown = func() string {
		if first == nil || time.Since(at) < 300*time.Millisecond {
			return r.elements(nil)
		}
		return r.elements(func(element int64) bool { return element == first.Body.Element })
	}
}

// keepsSome replies to some adds with an indefinite error, and returns them, but no other
// node learns of them.
func keepsSome(r *replica) {
	var kept []int64
	r.onEach(4, func(m Message) {
		kept = append(kept, m.Body.Element+m.Body.Delta)
		r.Reply(m, `{"type":"error","code":13,"text":"crash"}`)
	})
	r.shown = func() string {
		if !r.set {
			return fmt.Sprint(r.sum() + sumOf(kept))
		}
		return with(r.elements(func(element int64) bool { return slices.Contains(kept, element) }), kept...)
	}
}

// with returns a list with more elements.
func with(list string, more ...int64) string {
	for _, element := range more {
		list = fmt.Sprintf("[%d,%s", element, list[1:])
	}
	return strings.Replace(list, ",]", "]", 1)
}

// countsCopies sends each add once, three times, and the others count it each time.
func countsCopies(r *replica) {
	r.period = 0
	r.adding = func(m Message) bool {
		for _, peer := range r.peers {
			for range 3 {
				r.P.Printf(`{"src":%q,"dest":%q,"body":{"type":"adds","adds":{"":%d}}}`+"\n", r.ID, peer, m.Body.Delta)
			}
		}
		return false
	}
	sum, handle := int64(0), r.Before
	r.Before = func(m Message) bool {
		if m.Body.Type != "adds" {
			return handle(m)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		sum += m.Body.Adds[""]
		return true
	}
	r.shown = func() string { return fmt.Sprint(r.sum() + sum) }
}

// predicts also returns the next element, which no client has added.
func predicts(r *replica) {
	r.shown = func() string {
		next := int64(0)
		for _, element := range r.adds {
			next = max(next, element+1)
		}
		return with(r.elements(nil), next)
	}
}

// dropsNegative acknowledges negative adds and ignores them.
func dropsNegative(r *replica) {
	r.adding = func(m Message) bool {
		if m.Body.Delta >= 0 {
			return false
		}
		r.Reply(m, `{"type":"add_ok"}`)
		return true
	}
}

// addsAgain keeps a list, to which an element is added as often as a client adds it.
func addsAgain(r *replica) {
	var again []int64
	r.adding = func(m Message) bool {
		if _, known := r.adds[fmt.Sprint(m.Body.Element)]; known {
			again = append(again, m.Body.Element)
		}
		return false
	}
	r.shown = func() string { return with(r.elements(nil), again...) }
}

// flaps lacks something in every second read at n1: the lowest element, or an add of 1.
func flaps(r *replica) {
	r.shown = func() string {
		missing := r.ID == "n1" && r.reads%2 == 0
		switch {
		case r.set && missing:
			lowest := int64(math.MaxInt64)
			for _, element := range r.adds {
				lowest = min(lowest, element)
			}
			return r.elements(func(element int64) bool { return element == lowest })
		case r.set:
			return r.elements(nil)
		case missing:
			return fmt.Sprint(r.sum() - 1)
		}
		return fmt.Sprint(r.sum())
	}
}

// goesBack returns half of the sum in every fifth read.
func goesBack(r *replica) {
	r.shown = func() string {
		if r.reads%5 == 0 {
			return fmt.Sprint(r.sum() / 2)
		}
		return fmt.Sprint(r.sum())
	}
}

// returnsNoMore stops to reply to reads after half a second.
func returnsNoMore(r *replica) {
	begin := time.Now()
	r.reading = func(Message) bool { return time.Since(begin) > time.Second/2 }
}

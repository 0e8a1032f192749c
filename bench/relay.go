package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

const relayRequest = `{"src":"c1","dest":"n1","body":{"type":"relay","msg_id":#,"target":"n2","payload":{"type":"read","key":#}}}`

var relayInputs = map[string]*Input{}

func relayInput(n int, format string) *Input {
	name := fmt.Sprint(n, format)
	if relayInputs[name] == nil {
		clear(relayInputs)
		relayInputs[name] = makeInput(n, format)
	}
	return relayInputs[name]
}

// relays checks what a node writes for relay requests 1 to n. The key in the payload is
// the number of the request.
type relays struct {
	n       int
	count   int  // answers
	sent    int  // attempts
	retried int  // results of calls that took more than one attempt
	fresh   Bits // the msg_ids of attempts
	settled Bits // the requests that were answered

	// Each kind of line has its own keys, since a Key remembers a place in the line.
	attempt struct{ dest, typ, key, msgID Key }
	answer  struct{ dest, attempts, result, value, before, after, text Key }
}

func newRelays(n, attempts int) *relays {
	c := &relays{n: n, fresh: newBits(2*n*(attempts+1) + 1000), settled: newBits(n + 1)}
	c.attempt.dest, c.attempt.typ, c.attempt.key, c.attempt.msgID = newKey("dest"), newKey("type"), newKey("key"), newKey("msg_id")
	c.answer.dest, c.answer.attempts, c.answer.result, c.answer.value = newKey("dest"), newKey("attempts"), newKey("result"), newKey("value")
	c.answer.before, c.answer.after, c.answer.text = newKey("in_reply_to"), newKey("in_reply_to"), newKey("text")
	return c
}

// isAttempt reports whether the line is for the target.
func (c *relays) isAttempt(line []byte) bool { return c.attempt.dest.Is(line, `"n2"`) }

var errNotAttempt = errors.New("not an attempt as asked for")

// readAttempt returns the request that an attempt is for, and its msg_id.
func (c *relays) readAttempt(line []byte) (id, msgID int, err error) {
	id, msgID = c.attempt.key.Int(line), c.attempt.msgID.Int(line)
	if id < 1 || id > c.n || !c.attempt.typ.Is(line, `"read"`) || !c.fresh.Add(msgID) {
		return 0, 0, errNotAttempt
	}
	c.sent++
	return id, msgID, nil
}

// readResult returns the request that a relay_ok answers.
func (c *relays) readResult(line []byte) (int, error) {
	result := c.answer.result.In(line)
	if result < 0 || !bytes.Contains(line, []byte(`"relay_ok"`)) {
		return 0, errNotAnswer
	}
	// The result is the reply of the target: an object without nesting, with an
	// in_reply_to of its own.
	end := result + bytes.IndexByte(line[result:], '}')
	if end < result {
		return 0, errNotAnswer
	}
	id := c.answer.before.Int(line[:result])
	if id < 0 {
		id = c.answer.after.Int(line[end:])
	}
	outside := line[:result]
	attempts := c.answer.attempts.Int(outside)
	if attempts < 0 {
		attempts = c.answer.attempts.Int(line[end:])
	}
	if attempts < 1 || c.answer.value.Int(line[:end]) != id || !c.answer.dest.Is(line, `"c1"`) || !bytes.Contains(line[result:end], []byte(`"read_ok"`)) {
		return 0, errNotAnswer
	}
	if attempts > 1 {
		c.retried++ // the machine was busy for half a second: slow, but right
	}
	return id, c.settle(id, line)
}

// readError returns the request that an error reply answers.
func (c *relays) readError(line []byte, text string) (int, error) {
	id := c.answer.before.Int(line)
	if !c.answer.dest.Is(line, `"c1"`) || !bytes.Contains(line, []byte(`"error"`)) || !c.answer.text.Is(line, `"`+text) {
		return 0, errNotAnswer
	}
	return id, c.settle(id, line)
}

func (c *relays) settle(id int, line []byte) error {
	if id < 1 || id > c.n || !c.settled.Add(id) {
		return errTwice
	}
	c.count++
	if c.count%1024 == 1 && !json.Valid(line) {
		return errNotAnswer
	}
	return nil
}

// answered keeps a number of relay requests outstanding and plays the target, which
// answers at once.
func answered(outstanding int) func(r *Run) (Sample, error) {
	return func(r *Run) (Sample, error) {
		p, err := r.Start(Options{})
		if err != nil {
			return nil, err
		}
		defer p.Kill()

		warm := r.Size / 20
		w := &relayWindow{
			warmUp: warmUp{p: p, until: warm}, in: relayInput(warm+r.Size, relayRequest),
			check: newRelays(warm+r.Size, 1), next: 1,
		}
		if w.exchange, err = newExchange(p); err != nil {
			return nil, err
		}
		w.request(outstanding)
		for err == nil && w.check.count < w.in.Len() {
			err = w.step()
		}
		if err != nil {
			return nil, p.explain(err)
		}
		elapsed, used, n := w.stop()
		if err := w.exchange.close(); err != nil {
			return nil, p.explain(err)
		}
		if err := p.Close(); err != nil {
			return nil, err
		}
		return Sample{"rate": n / elapsed, "cpu": used / n, "retried": float64(w.check.retried)}, nil
	}
}

// A relayWindow is the state of a run of answered.
type relayWindow struct {
	warmUp
	exchange *exchange
	in       *Input
	check    *relays
	next     int    // the request that is written next
	send     []byte // what is written next: replies and requests
}

// request adds the next n requests to what is written next.
func (w *relayWindow) request(n int) {
	if n = min(n, w.in.Len()+1-w.next); n > 0 {
		w.send = append(w.send, w.in.Range(w.next, w.next+n-1)...)
		w.next += n
	}
}

// step writes and reads. It replies to the attempts that it reads, and replaces the
// requests that are answered.
func (w *relayWindow) step() error {
	lines, err := w.exchange.next(w.send)
	if err != nil {
		return err
	}
	before := w.check.count
	w.send = w.send[:0]
	err = each(lines, func(line []byte) error {
		if !w.check.isAttempt(line) {
			_, err := w.check.readResult(line)
			return err
		}
		id, msgID, err := w.check.readAttempt(line)
		w.send = append(w.send, `{"src":"n2","dest":"n1","body":{"type":"read_ok","value":`...)
		w.send = strconv.AppendInt(w.send, int64(id), 10)
		w.send = append(w.send, `,"in_reply_to":`...)
		w.send = strconv.AppendInt(w.send, int64(msgID), 10)
		w.send = append(w.send, "}}\n"...)
		return err
	})
	w.request(w.check.count - before)
	w.answered(w.check.count)
	return err
}

package workload

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/checker"
)

// A logReader gets the results of polls and lists. keys are those that the request
// asked for.
type logReader interface {
	polled(keys []int64, polled []checker.Polled)
	listed(keys []int64, offsets []checker.KeyOffset)
}

// asksFor reports whether a poll or a list asks for a key.
func (r *Request) asksFor(key int64) bool {
	_, found := slices.BinarySearch(r.keys, key)
	return found
}

// maxKeys is how many keys a request has at most.
const maxKeys = 1000

// A consumer is the session of a client.
type consumer struct {
	load     *kafka
	assigned map[int64]int64 // by key, the next offset to poll; nil before the first assign
	commit   map[int64]int64 // the offsets to commit; empty if there are none
	requests int
}

func (c *consumer) Next() (Request, bool) {
	random := c.load.env.Rand
	if c.requests > 0 && random.IntN(crashEvery) == 0 {
		return Request{}, false
	}
	c.requests++
	switch {
	case len(c.commit) > 0:
		offsets := offsetsOf(c.commit)
		c.commit = nil
		return Request{
			F: "commit_offsets", Value: offsets, Type: "commit_offsets", Want: "commit_offsets_ok",
			Body: fmt.Appendf(nil, `{"type":"commit_offsets","offsets":%s}`, offsets),
		}, true
	case c.assigned == nil || random.IntN(assignEvery) == 0:
		return listRequest(c, c.load.assignment()), true
	case random.IntN(2) == 0:
		return c.load.send(), true
	}
	return pollRequest(c, c.assigned), true
}

// assignment returns the keys of the next assign: one active key, and every second
// time the keys with messages that were sent and not polled.
func (w *kafka) assignment() []int64 {
	keys := []int64{w.active.pick()}
	if w.env.Rand.IntN(2) == 0 {
		for key := len(w.logs) - 1; key >= 0 && len(keys) < maxKeys; key-- {
			if w.logs[key].polled < w.logs[key].highest {
				keys = append(keys, int64(key))
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// listed assigns the keys. A key that was assigned before stays where it was.
func (c *consumer) listed(keys []int64, offsets []checker.KeyOffset) {
	before := c.assigned
	c.assigned = map[int64]int64{}
	for _, key := range keys {
		c.assigned[key] = 0
	}
	for _, o := range offsets {
		c.assigned[o.Key] = o.Offset
	}
	for key := range c.assigned {
		if at, was := before[key]; was {
			c.assigned[key] = at
		} else if c.assigned[key] > 0 {
			c.load.committed++
		}
	}
}

// polled moves the client's positions behind the messages that it got.
func (c *consumer) polled(_ []int64, polled []checker.Polled) {
	c.commit = map[int64]int64{}
	for _, p := range polled {
		for _, e := range p.Entries {
			c.assigned[p.Key] = max(c.assigned[p.Key], e.Offset+1)
			c.commit[p.Key] = max(c.commit[p.Key], e.Offset)
		}
	}
}

// pollRequest returns a poll from these offsets on.
func pollRequest(r logReader, offsets map[int64]int64) Request {
	value := offsetsOf(offsets)
	return Request{
		F: "poll", Value: value, Type: "poll", Want: "poll_ok", keys: slices.Sorted(maps.Keys(offsets)), reader: r,
		Body: fmt.Appendf(nil, `{"type":"poll","offsets":%s}`, value),
	}
}

// listRequest returns a list of the committed offsets of these keys, which are
// sorted.
func listRequest(r logReader, keys []int64) Request {
	var value bytes.Buffer
	for i, key := range keys {
		value.WriteByte("[,"[min(i, 1)])
		fmt.Fprintf(&value, `"%d"`, key)
	}
	value.WriteByte(']')
	return Request{
		F: "list_committed_offsets", Value: value.Bytes(), Type: "list_committed_offsets", Want: "list_committed_offsets_ok", keys: keys, reader: r,
		Body: fmt.Appendf(nil, `{"type":"list_committed_offsets","keys":%s}`, value.Bytes()),
	}
}

// offsetsOf returns the JSON object of offsets.
func offsetsOf(offsets map[int64]int64) jsontext.Value {
	value := []byte{'{'}
	for i, key := range slices.Sorted(maps.Keys(offsets)) {
		if i > 0 {
			value = append(value, ',')
		}
		value = fmt.Appendf(value, `"%d":%d`, key, offsets[key])
	}
	return append(value, '}')
}

package workload

import "github.com/eddyrpc/eddy/internal/checker"

// A finalReader reads all logs from one node in the final phase, from their
// beginnings on, and lists the committed offsets.
type finalReader struct {
	load *kafka
	keys []readKey // by key
	list bool      // the latest request was a list
}

// A readKey says how far a finalReader is with a key.
type readKey struct {
	next   int64 // the next offset to poll
	polled bool  // some poll asked for the key
	listed bool  // the acknowledged committed offset was listed
}

// update adds the keys that have come into use.
func (r *finalReader) update() {
	for len(r.keys) < len(r.load.logs) {
		r.keys = append(r.keys, readKey{})
	}
}

// unread reports whether a node may have more messages of a key.
func (r *finalReader) unread(key int) bool {
	return !r.keys[key].polled || r.keys[key].next <= r.load.logs[key].highest
}

// unlisted reports whether the committed offset of a key is to be listed.
func (r *finalReader) unlisted(key int) bool {
	return r.load.logs[key].committed >= 0 && !r.keys[key].listed
}

// done reports whether the node has returned everything.
func (r *finalReader) done() bool {
	r.update()
	for key := range r.keys {
		if r.unread(key) || r.unlisted(key) {
			return false
		}
	}
	return true
}

// next returns a poll and a list alternately, while there is something to poll and
// to list.
func (r *finalReader) next() Request {
	r.update()
	offsets, keys := map[int64]int64{}, []int64{}
	for key := range r.keys {
		if r.unread(key) && len(offsets) < maxKeys {
			offsets[int64(key)] = r.keys[key].next
		}
		if r.unlisted(key) && len(keys) < maxKeys {
			keys = append(keys, int64(key))
		}
	}
	if r.list = len(keys) > 0 && (len(offsets) == 0 || !r.list); r.list {
		return listRequest(r, keys)
	}
	return pollRequest(r, offsets)
}

func (r *finalReader) polled(keys []int64, polled []checker.Polled) {
	for _, key := range keys {
		r.keys[key].polled = true
	}
	for _, p := range polled {
		k := &r.keys[p.Key]
		for _, e := range p.Entries {
			k.next = max(k.next, e.Offset+1)
		}
	}
}

// listed takes the reply to a list. A node keeps the greatest committed offset or the latest one.
// An offset between the two is old.
func (r *finalReader) listed(_ []int64, offsets []checker.KeyOffset) {
	for _, o := range offsets {
		l := r.load.logs[o.Key]
		r.keys[o.Key].listed = o.Offset >= l.greatest || o.Offset == l.committed
	}
}

package txn

import (
	"slices"
)

// A list is what is known of a key whose values are lists. Because elements are only appended,
// the longest read shows the order of the elements before it.
type list struct {
	longest []int64
	reader  int32          // who read it
	readers []use          // reads that are a beginning of the longest
	unread  []int32        // committed transactions with an append that no read shows
	values  []int64        // these elements
	in      map[int64]bool // the elements of longest
	final   bool           // it was read in the final phase
	valid   bool           // no element stands in it twice
}

// Lists analyses transactions that read lists and append to them.
func Lists(txns []Txn, models []Model) Result {
	a := newAnalysis(txns)
	lists := map[int64]*list{}
	of := func(key int64) *list {
		l := lists[key]
		if l == nil {
			l = &list{reader: -1, valid: true}
			lists[key] = l
		}
		return l
	}
	for i := range txns {
		if txns[i].Outcome == OK {
			a.listInternal(int32(i))
			for _, op := range txns[i].Ops {
				if l := of(op.Key); op.Kind == Read {
					l.final = l.final || txns[i].Final
					if len(op.Read) > len(l.longest) || l.reader < 0 {
						l.longest, l.reader = op.Read, int32(i)
					}
				}
			}
		}
	}
	for _, l := range lists {
		l.in = make(map[int64]bool, len(l.longest))
		for _, value := range l.longest {
			l.valid = l.valid && !l.in[value]
			l.in[value] = true
		}
	}
	var all []use
	for i := range txns {
		if txns[i].Outcome == OK {
			a.listReads(int32(i), of)
			all = append(all, a.uses(int32(i))...)
		}
	}
	a.unreadAppends(of)
	for _, u := range all {
		if l := of(u.key); l.valid && isPrefix(u.read, l.longest) {
			l.readers = append(l.readers, u)
		}
	}
	for _, key := range sortedKeys(lists) {
		if l := lists[key]; l.valid {
			a.listEdges(key, l)
		}
	}
	a.lostUpdates(all)
	return a.result(models)
}

// listInternal compares the reads of a transaction with its own earlier operations.
func (a *analysis) listInternal(i int32) {
	type known struct {
		read     []int64
		isRead   bool
		appended []int64
	}
	state := map[int64]*known{}
	ops := a.txns[i].Ops
	for at, op := range ops {
		k := state[op.Key]
		if k == nil {
			k = new(known)
			state[op.Key] = k
		}
		if op.Kind != Read {
			k.appended = append(k.appended, op.Value)
			continue
		}
		later := func(o Op) bool { return o.Kind != Read && o.Key == op.Key && slices.Contains(op.Read, o.Value) }
		want := slices.Concat(k.read, k.appended)
		switch {
		case slices.ContainsFunc(ops[at:], later):
			a.find(FutureRead, []int32{i}, "%s read %s of key %d before it appended an element of it", a.name(i), show(op.Read), op.Key)
		case k.isRead && !slices.Equal(op.Read, want):
			a.find(Internal, []int32{i}, "%s read %s of key %d, where its own earlier operations give %s", a.name(i), show(op.Read), op.Key, show(want))
		case !k.isRead && !isSuffix(k.appended, op.Read):
			a.find(Internal, []int32{i}, "%s read %s of key %d, which does not end with what it had appended, %s", a.name(i), show(op.Read), op.Key, show(k.appended))
		}
		k.read, k.isRead, k.appended = op.Read, true, nil
	}
}

// listReads checks what a transaction read on its own, and against the longest read. The
// elements of reads that the longest begins with are checked there.
func (a *analysis) listReads(i int32, of func(int64) *list) {
	for _, op := range a.txns[i].Ops {
		if op.Kind != Read || len(op.Read) == 0 {
			continue
		}
		l := of(op.Key)
		prefix := isPrefix(op.Read, l.longest)
		if prefix && i != l.reader {
			a.seen(i, version{op.Key, op.Read[len(op.Read)-1]}, true)
			continue
		}
		a.elements(i, op)
		if l.valid && !prefix {
			a.find(IncompatibleOrder, []int32{l.reader, i}, "%s read %s of key %d, and %s read %s: neither begins with the other",
				a.name(l.reader), show(l.longest), op.Key, a.name(i), show(op.Read))
		}
	}
}

// elements checks each element of a read.
func (a *analysis) elements(i int32, op Op) {
	failed := int32(-1)
	before := make(map[int64]bool, len(op.Read))
	for at, value := range op.Read {
		if before[value] {
			a.find(DuplicateElements, []int32{i}, "%s read %s of key %d, in which %d stands twice", a.name(i), show(op.Read), op.Key, value)
			return
		}
		before[value] = true
		a.seen(i, version{op.Key, value}, at == len(op.Read)-1)
		w, ok := a.writes[version{op.Key, value}]
		switch {
		case !ok:
		case a.txns[w.txn].Outcome == Fail:
			failed = w.txn
		case failed >= 0:
			a.find(DirtyUpdate, []int32{failed, w.txn, i}, "%s appended %d to key %d after an element of %s, which failed for sure", a.name(w.txn), value, op.Key, a.name(failed))
			failed = -1
		}
	}
}

// unreadAppends collects appends of committed transactions that no read shows. If they were
// acknowledged and the key was read in the final phase, they are lost.
func (a *analysis) unreadAppends(of func(int64) *list) {
	for i := range a.txns {
		t := &a.txns[i]
		if !a.committed[i] {
			continue
		}
		for _, op := range t.Ops {
			l := of(op.Key)
			if op.Kind != Append || l.in[op.Value] {
				continue
			}
			l.unread = append(l.unread, int32(i))
			l.values = append(l.values, op.Value)
			if l.final && t.Outcome == OK && !t.Final {
				a.find(LostWrite, []int32{int32(i)}, "%s appended %d to key %d, which was acknowledged, but no later read shows it", t.Name, op.Value, op.Key)
			}
		}
	}
}

// listEdges adds the dependencies that follow from the order of a list's elements. Elements
// that no read shows come after all that were read; a few of them are enough.
func (a *analysis) listEdges(key int64, l *list) {
	l.unread = l.unread[:min(len(l.unread), 64)]
	before := int32(-1)
	var value int64
	for _, next := range l.longest {
		w, ok := a.writes[version{key, next}]
		if !ok || !a.committed[w.txn] {
			continue
		}
		if before >= 0 {
			a.depend(edge{from: before, to: w.txn, kind: ww, key: key, value: value, next: next})
		}
		before, value = w.txn, next
	}
	for at, to := range l.unread {
		if before >= 0 {
			a.depend(edge{from: before, to: to, kind: ww, key: key, value: value, next: l.values[at]})
		}
	}
	for _, u := range l.readers {
		e := edge{key: key, none: len(u.read) == 0}
		if !e.none {
			e.value = u.read[len(u.read)-1]
			if w, ok := a.writes[version{key, e.value}]; ok {
				a.depend(edge{from: w.txn, to: u.txn, kind: wr, key: key, value: e.value})
			}
		}
		e.from, e.kind = u.txn, rw
		if len(u.read) < len(l.longest) {
			e.next = l.longest[len(u.read)]
			if w, ok := a.writes[version{key, e.next}]; ok {
				e.to = w.txn
				a.depend(e)
			}
			continue
		}
		for at, to := range l.unread {
			e.to, e.next = to, l.values[at]
			a.depend(e)
		}
	}
}

func isPrefix(short, long []int64) bool {
	return len(short) <= len(long) && slices.Equal(short, long[:len(short)])
}

func isSuffix(short, long []int64) bool {
	return len(short) <= len(long) && slices.Equal(short, long[len(long)-len(short):])
}

package txn

// Registers analyses transactions that read and write registers. Of a register it is only
// known which transaction wrote a value. That one value came after another follows from a
// transaction that reads the one and then writes the other, from the beginning, when there is
// no value, and, for models that promise it, from sessions and real time.
func Registers(txns []Txn, models []Model) Result {
	a := newAnalysis(txns)
	registers := map[int64]*register{}
	of := func(key int64) *register {
		r := registers[key]
		if r == nil {
			r = &register{readers: map[int64][]int32{}, next: map[int64]map[int64]promise{}}
			registers[key] = r
		}
		return r
	}
	var all []use
	for i := range txns {
		if txns[i].Outcome != OK {
			continue
		}
		a.registerInternal(int32(i))
		for _, op := range txns[i].Ops {
			if op.Kind == Read && len(op.Read) > 0 {
				a.seen(int32(i), version{op.Key, op.Read[0]}, true)
			}
		}
		all = append(all, a.uses(int32(i))...)
	}
	for _, u := range all {
		r := of(u.key)
		if len(u.read) == 0 {
			r.before = append(r.before, u.txn)
		} else {
			r.readers[u.read[0]] = append(r.readers[u.read[0]], u.txn)
		}
	}
	for i := range txns {
		if a.committed[i] {
			a.registerVersions(int32(i), of)
		}
	}
	a.accessOrders(of)
	a.lostWrites()
	for _, key := range sortedKeys(registers) {
		if a.cyclicVersions(key, registers[key]) {
			continue
		}
		a.registerEdges(key, registers[key])
	}
	a.lostUpdates(all)
	return a.result(models)
}

// A register is what is known of a key whose values are single.
type register struct {
	before  []int32                     // OK transactions that read no value
	readers map[int64][]int32           // OK transactions that read a value that they did not write, by value
	writes  []int64                     // all values that committed transactions wrote
	next    map[int64]map[int64]promise // by value: those that came later, and who promises it
}

// follows notes that a value came after another one. The weakest promise counts.
func (r *register) follows(value, next int64, by promise) {
	if value == next {
		return
	}
	if r.next[value] == nil {
		r.next[value] = map[int64]promise{}
	}
	if p, ok := r.next[value][next]; !ok || by < p {
		r.next[value][next] = by
	}
}

// registerInternal compares the reads of a transaction with its own earlier operations.
func (a *analysis) registerInternal(i int32) {
	type known struct {
		value int64
		none  bool
	}
	state := map[int64]known{}
	ops := a.txns[i].Ops
	for at, op := range ops {
		k, ok := state[op.Key]
		if op.Kind != Read {
			state[op.Key] = known{value: op.Value}
			continue
		}
		got := known{none: len(op.Read) == 0}
		if !got.none {
			got.value = op.Read[0]
			for _, later := range ops[at:] {
				if later.Kind != Read && later.Key == op.Key && later.Value == got.value {
					a.find(FutureRead, []int32{i}, "%s read %d of key %d before it wrote that", a.name(i), got.value, op.Key)
				}
			}
		}
		if ok && got != k {
			want := "nothing"
			if !k.none {
				want = show([]int64{k.value})
			}
			a.find(Internal, []int32{i}, "%s read %s of key %d, where its own earlier operations give %s", a.name(i), show(op.Read), op.Key, want)
		}
		state[op.Key] = got
	}
}

// registerVersions notes the values that a committed transaction wrote, and those that it
// knew to come before them.
func (a *analysis) registerVersions(i int32, of func(int64) *register) {
	latest := map[int64]int64{} // what the transaction read or wrote of a key
	for _, op := range a.txns[i].Ops {
		r := of(op.Key)
		if op.Kind == Read {
			if len(op.Read) > 0 && a.txns[i].Outcome == OK {
				if _, ok := latest[op.Key]; !ok {
					latest[op.Key] = op.Read[0]
				}
			}
			continue
		}
		r.writes = append(r.writes, op.Value)
		if before, ok := latest[op.Key]; ok {
			r.follows(before, op.Value, always)
		}
		latest[op.Key] = op.Value
	}
}

// An access is the first and the last value that a transaction met of a key.
type access struct {
	txn         int32
	first, last int64
	none        bool // it read no value first
	noLast      bool // and wrote none
}

// accessOrders notes the orders of values that follow from sessions and from real time: what a
// transaction met came before what a later one met.
func (a *analysis) accessOrders(of func(int64) *register) {
	byKey := map[int64][]access{}
	for _, i := range byBeginning(a.txns) {
		if !a.committed[i] {
			continue
		}
		met := map[int64]*access{}
		for _, op := range a.txns[i].Ops {
			x := met[op.Key]
			isRead := op.Kind == Read
			if isRead && a.txns[i].Outcome != OK {
				continue
			}
			value, none := op.Value, false
			if isRead {
				if none = len(op.Read) == 0; !none {
					value = op.Read[0]
				}
			}
			if x == nil {
				x = &access{txn: i, first: value, none: none, noLast: none}
				met[op.Key] = x
			}
			if !none {
				x.last, x.noLast = value, false
			}
		}
		for key, x := range met {
			byKey[key] = append(byKey[key], *x)
		}
	}
	for key, all := range byKey {
		r := of(key)
		among, at := make([]int32, len(all)), make(map[int32]access, len(all))
		for i, x := range all {
			among[i], at[x.txn] = x.txn, x
		}
		for _, e := range realtimeEdges(a.txns, among) {
			if x, y := at[e.from], at[e.to]; !x.noLast && !y.none {
				r.follows(x.last, y.first, inRealTime)
			}
		}
		latest := map[int]access{}
		for _, x := range all {
			p := a.txns[x.txn].Process
			if before, ok := latest[p]; ok && !before.noLast && !x.none {
				r.follows(before.last, x.first, sameProcess)
			}
			latest[p] = x
		}
	}
}

// lostWrites finds keys of which the latest read of the final phase returned no value although
// a write was acknowledged.
func (a *analysis) lostWrites() {
	writer, reader := map[int64]int32{}, map[int64]int32{}
	latest := map[int64]Op{}
	for _, i := range byBeginning(a.txns) {
		t := &a.txns[i]
		if t.Outcome != OK {
			continue
		}
		for _, op := range t.Ops {
			switch {
			case op.Kind == Write && !t.Final:
				writer[op.Key] = i
			case op.Kind == Read && t.Final:
				latest[op.Key], reader[op.Key] = op, i
			}
		}
	}
	for _, key := range sortedKeys(writer) {
		if i, ok := reader[key]; ok && len(latest[key].Read) == 0 {
			w := writer[key]
			a.find(LostWrite, []int32{w, i}, "%s wrote to key %d, which was acknowledged, but at the end %s read no value", a.name(w), key, a.name(i))
		}
	}
}

// cyclicVersions finds a value that came both before and after another one, whatever a model
// promises.
func (a *analysis) cyclicVersions(key int64, r *register) bool {
	number := map[int64]int32{}
	values := sortedKeys(r.next)
	id := func(value int64) int32 {
		n, ok := number[value]
		if !ok {
			n = int32(len(number))
			number[value] = n
		}
		return n
	}
	var edges []edge
	for _, value := range values {
		for _, next := range sortedKeys(r.next[value]) {
			if r.next[value][next] == always {
				edges = append(edges, edge{from: id(value), to: id(next), value: value, next: next})
			}
		}
	}
	g := newGraph(len(number), edges, func(*edge) bool { return true })
	component := g.components()
	for _, e := range g.edges {
		if component[e.from] >= 0 && component[e.from] == component[e.to] {
			var txns []int32
			for _, value := range []int64{e.value, e.next} {
				if w, ok := a.writes[version{key, value}]; ok {
					txns = append(txns, w.txn)
				}
			}
			a.find(CyclicVersions, txns, "transactions show that %d of key %d was overwritten by %d, and also that it came after %d", e.value, key, e.next, e.next)
			return true
		}
	}
	return false
}

// registerEdges adds the dependencies that follow from who read what and from the orders of
// the values.
func (a *analysis) registerEdges(key int64, r *register) {
	for _, value := range sortedKeys(r.readers) {
		w, ok := a.writes[version{key, value}]
		if !ok {
			continue
		}
		for _, reader := range r.readers[value] {
			a.depend(edge{from: w.txn, to: reader, kind: wr, key: key, value: value})
		}
	}
	for _, value := range sortedKeys(r.next) {
		w, isWritten := a.writes[version{key, value}]
		for _, next := range sortedKeys(r.next[value]) {
			overwriter, ok := a.writes[version{key, next}]
			if !ok {
				continue
			}
			e := edge{to: overwriter.txn, promise: r.next[value][next], key: key, value: value, next: next}
			if isWritten {
				e.from, e.kind = w.txn, ww
				a.depend(e)
			}
			for _, reader := range r.readers[value] {
				e.from, e.kind = reader, rw
				a.depend(e)
			}
		}
	}
	first := r.writes[:min(len(r.writes), 64)] // enough to contradict a read of nothing
	for _, reader := range r.before {
		for _, next := range first {
			a.depend(edge{from: reader, to: a.writes[version{key, next}].txn, kind: rw, key: key, next: next, none: true})
		}
	}
}

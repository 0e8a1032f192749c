package txn

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Finding is an anomaly, and the transactions that show it.
type Finding struct {
	Anomaly Anomaly
	Txns    []int    // their indices; of a cycle in its order
	Steps   []string // one sentence for each edge of a cycle, or one that says all
	Edges   []Edge   // of a cycle, in its order; each has its sentence
	At      time.Duration
}

// An Edge says that one transaction of a cycle came before another.
type Edge struct {
	From, To int    // the places of the transactions in Finding.Txns
	Kind     string // ww, wr, rw, process or realtime
	Key      int64  // of ww, wr and rw
	Text     string // why, in a sentence
}

// An analysis collects what the transactions of a test show.
type analysis struct {
	txns      []Txn
	writes    map[version]write
	committed []bool // it is OK, or somebody has read what it wrote
	edges     []edge
	found     []Finding
	count     map[Anomaly]int // of findings
}

// maxFindings is how many findings of an anomaly are kept.
const maxFindings = 10

func newAnalysis(txns []Txn) *analysis {
	a := &analysis{txns: txns, writes: writesOf(txns), committed: make([]bool, len(txns)), count: map[Anomaly]int{}}
	for i := range txns {
		a.committed[i] = txns[i].Outcome == OK
	}
	return a
}

// find adds a finding of one sentence about some transactions.
func (a *analysis) find(anomaly Anomaly, txns []int32, format string, args ...any) {
	if a.count[anomaly]++; a.count[anomaly] > maxFindings {
		return
	}
	f := Finding{Anomaly: anomaly, Steps: []string{fmt.Sprintf(format, args...)}}
	for _, i := range txns {
		f.Txns = append(f.Txns, int(i))
		if t := &a.txns[i]; t.Outcome == OK {
			f.At = max(f.At, t.To)
		} else {
			f.At = max(f.At, t.From)
		}
	}
	a.found = append(a.found, f)
}

func (a *analysis) name(i int32) string { return a.txns[i].Name }

// short returns the name of a transaction without its client and its node.
func (a *analysis) short(i int32) string {
	name, _, _ := strings.Cut(a.txns[i].Name, " (")
	return name
}

// seen checks one version that an OK transaction has read, and marks its writer as committed.
// It returns false if nobody wrote it. last tells whether the version is what the key had
// when it was read, and not an earlier element of a list.
func (a *analysis) seen(reader int32, v version, last bool) bool {
	w, ok := a.writes[v]
	switch {
	case !ok:
		a.find(Unwritten, []int32{reader}, "%s read %d of key %d, which no transaction wrote", a.name(reader), v.value, v.key)
		return false
	case a.txns[w.txn].Outcome == Fail:
		a.find(G1a, []int32{w.txn, reader}, "%s read %d of key %d, which %s wrote, and that transaction failed for sure", a.name(reader), v.value, v.key, a.name(w.txn))
	case last && !w.last && w.txn != reader:
		a.find(G1b, []int32{w.txn, reader}, "%s read %d of key %d, which %s overwrote before it ended", a.name(reader), v.value, v.key, a.name(w.txn))
	}
	if a.txns[w.txn].Outcome != Fail {
		a.committed[w.txn] = true
	}
	return true
}

// depend adds an edge between transactions that are not the same.
func (a *analysis) depend(e edge) {
	if e.from != e.to && a.committed[e.from] && a.committed[e.to] {
		a.edges = append(a.edges, e)
	}
}

// A use is what an OK transaction saw of a key before it wrote to it, and whether it wrote.
type use struct {
	txn   int32
	key   int64
	read  []int64
	wrote bool
}

// uses returns the uses of an OK transaction that read a key before it wrote to it.
func (a *analysis) uses(i int32) (all []use) {
	written := map[int64]bool{}
	for _, op := range a.txns[i].Ops {
		at := slices.IndexFunc(all, func(u use) bool { return u.key == op.Key })
		switch {
		case op.Kind != Read:
			written[op.Key] = true
			if at >= 0 {
				all[at].wrote = true
			}
		case at < 0 && !written[op.Key]:
			all = append(all, use{txn: i, key: op.Key, read: op.Read})
		}
	}
	return all
}

// lostUpdates finds transactions that read the same version of a key and overwrote it.
func (a *analysis) lostUpdates(all []use) {
	type base struct {
		key, value int64
		none       bool
	}
	first := map[base]int32{}
	told := map[base]bool{}
	for _, u := range all {
		if !u.wrote {
			continue
		}
		b := base{key: u.key, none: len(u.read) == 0}
		if !b.none {
			b.value = u.read[len(u.read)-1]
		}
		other, ok := first[b]
		switch {
		case !ok:
			first[b] = u.txn
		case !told[b]:
			told[b] = true
			a.find(LostUpdate, []int32{other, u.txn}, "%s and %s both read %s of key %d and then wrote to it, so one of the writes did not see the other",
				a.name(other), a.name(u.txn), show(u.read), u.key)
		}
	}
}

// show writes what a read returned.
func show(read []int64) string {
	if len(read) == 0 {
		return "nothing"
	}
	const most = 8
	if len(read) > most {
		return fmt.Sprintf("[... %s]", trimBrackets(read[len(read)-most:]))
	}
	return fmt.Sprint(read)
}

func trimBrackets(read []int64) string {
	s := fmt.Sprint(read)
	return s[1 : len(s)-1]
}

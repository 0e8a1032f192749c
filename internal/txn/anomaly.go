package txn

import "slices"

// An Anomaly is something that a consistency model forbids. The names are those of Elle.
type Anomaly string

// The anomalies that are found. Those of cycles also exist with the suffix -process or
// -realtime, if a cycle has such an edge.
const (
	G0                Anomaly = "G0"                 // a cycle of transactions that overwrite each other
	G1a               Anomaly = "G1a"                // a read of what a failed transaction wrote
	G1b               Anomaly = "G1b"                // a read of what its transaction overwrote
	G1c               Anomaly = "G1c"                // a cycle of transactions that overwrite or read from each other
	GSingle           Anomaly = "G-single-item"      // a cycle in which one read lacks a later write
	GNonadjacent      Anomaly = "G-nonadjacent-item" // one with several such reads, of which no two follow each other
	G2                Anomaly = "G2-item"            // one in which two of them follow each other
	LostUpdate        Anomaly = "lost-update"        // two transactions read the same version of a key and overwrite it
	Internal          Anomaly = "internal"           // a read disagrees with its transaction's earlier operations
	FutureRead        Anomaly = "future-read"        // a read shows what its transaction writes later
	DirtyUpdate       Anomaly = "dirty-update"       // a transaction wrote on top of a failed one
	IncompatibleOrder Anomaly = "incompatible-order" // two reads of a list, neither of which begins with the other
	DuplicateElements Anomaly = "duplicate-elements" // a read of a list in which an element stands twice
	CyclicVersions    Anomaly = "cyclic-versions"    // a value of a register was overwritten by an earlier one
	Unwritten         Anomaly = "unwritten-read"     // a read of what no transaction wrote
	LostWrite         Anomaly = "lost-write"         // an acknowledged write that no later read shows
)

// suffixes are those of anomalies of cycles, by the promise that the cycle breaks.
var suffixes = map[promise]Anomaly{sameProcess: "-process", inRealTime: "-realtime"}

// implied are anomalies that are also there if another one is. Sources: Adya's thesis, section
// 3 and 4, for G0 to G2; Elle's documentation for the rest.
var implied = func() map[Anomaly][]Anomaly {
	all := map[Anomaly][]Anomaly{
		G1a: {"G1"}, G1b: {"G1"}, "G1": {"G1-process"}, "G1-process": {"G1-realtime"},
		IncompatibleOrder: {G1a}, DirtyUpdate: {G1a}, FutureRead: {G1c}, LostUpdate: {G2},
	}
	for _, i := range []struct {
		from Anomaly
		to   []Anomaly
	}{{G0, []Anomaly{G1c}}, {G1c, []Anomaly{"G1"}}, {GSingle, []Anomaly{GNonadjacent}}, {GNonadjacent, []Anomaly{G2}}, {G2, nil}} {
		for _, suffix := range []Anomaly{"", "-process", "-realtime"} {
			for _, to := range i.to {
				all[i.from+suffix] = append(all[i.from+suffix], to+suffix)
			}
		}
		all[i.from] = append(all[i.from], i.from+"-process")
		all[i.from+"-process"] = append(all[i.from+"-process"], i.from+"-realtime")
	}
	return all
}()

// withImplied adds to anomalies what they imply.
func withImplied(anomalies []Anomaly) map[Anomaly]bool {
	all := map[Anomaly]bool{}
	for left := slices.Clone(anomalies); len(left) > 0; {
		a := left[len(left)-1]
		left = left[:len(left)-1]
		if !all[a] {
			all[a] = true
			left = append(left, implied[a]...)
		}
	}
	return all
}

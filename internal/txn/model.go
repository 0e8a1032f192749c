package txn

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Model is a consistency model. See https://jepsen.io/consistency for what each promises.
type Model string

// StrictSerializable is the strongest model: transactions seem to take effect one after the
// other, each between its request and its reply.
const StrictSerializable Model = "strict-serializable"

// weaker are the models that also hold if one holds, and forbids is what each forbids beyond
// what those do. Sources: Adya, Weak Consistency (PL-1 to PL-SS); Bailis et al., Highly Available
// Transactions; Cerone et al., A Framework for Transactional Consistency Models with Atomic
// Visibility; Daudjee and Salem, Lazy Database Replication with Snapshot Isolation; as collected
// by Elle. Models without an entry in forbids forbid nothing that is found here.
var weaker = map[Model][]Model{
	StrictSerializable:                  {"serializable", "linearizable", "strong-snapshot-isolation", "strong-session-serializable"},
	"strong-session-serializable":       {"serializable", "strong-session-snapshot-isolation"},
	"strong-snapshot-isolation":         {"strong-session-snapshot-isolation", "strong-read-committed"},
	"strong-session-snapshot-isolation": {"snapshot-isolation", "strong-session-read-committed"},
	"strong-read-committed":             {"strong-session-read-committed", "strong-read-uncommitted"},
	"strong-session-read-committed":     {"read-committed", "strong-session-read-uncommitted"},
	"strong-read-uncommitted":           {"strong-session-read-uncommitted"},
	"strong-session-read-uncommitted":   {"read-uncommitted"},
	"serializable":                      {"repeatable-read", "update-serializable", "snapshot-isolation", "view-serializable"},
	"session-serializable":              {"1SR"},
	"1SR":                               {},
	"view-serializable":                 {},
	"update-serializable":               {"forward-consistent-view"},
	"repeatable-read":                   {"cursor-stability", "monotonic-atomic-view"},
	"snapshot-isolation":                {"forward-consistent-view", "monotonic-atomic-view", "monotonic-snapshot-read", "parallel-snapshot-isolation", "prefix"},
	"parallel-snapshot-isolation":       {"causal-cerone", "update-atomic"},
	"update-atomic":                     {"read-atomic"},
	"prefix":                            {"causal-cerone"},
	"causal-cerone":                     {"read-atomic"},
	"read-atomic":                       {"monotonic-atomic-view"},
	"forward-consistent-view":           {"consistent-view"},
	"consistent-view":                   {"cursor-stability", "monotonic-view"},
	"cursor-stability":                  {"read-committed"},
	"monotonic-atomic-view":             {"read-committed"},
	"monotonic-view":                    {"read-committed"},
	"monotonic-snapshot-read":           {"read-committed"},
	"read-committed":                    {"read-uncommitted"},
	"read-uncommitted":                  {},
	"linearizable":                      {"sequential"},
	"sequential":                        {"causal"},
	"causal":                            {"writes-follow-reads", "PRAM"},
	"PRAM":                              {"monotonic-reads", "monotonic-writes", "read-your-writes"},
	"writes-follow-reads":               {}, "monotonic-reads": {}, "monotonic-writes": {}, "read-your-writes": {},
}

var forbids = map[Model][]Anomaly{
	"read-uncommitted":                  {G0, DuplicateElements, CyclicVersions, Unwritten, LostWrite},
	"read-committed":                    {"G1"},
	"cursor-stability":                  {LostUpdate},
	"consistent-view":                   {GSingle},
	"update-atomic":                     {LostUpdate},
	"read-atomic":                       {Internal, G1a, FutureRead},
	"causal-cerone":                     {Internal, G1a},
	"prefix":                            {Internal, G1a},
	"parallel-snapshot-isolation":       {Internal, G1a},
	"snapshot-isolation":                {Internal, GNonadjacent},
	"repeatable-read":                   {G2, LostUpdate},
	"serializable":                      {Internal, G2},
	"strong-session-read-uncommitted":   {G0 + "-process"},
	"strong-session-read-committed":     {G1c + "-process"},
	"strong-read-uncommitted":           {G0 + "-realtime"},
	"strong-read-committed":             {G1c + "-realtime"},
	"strong-session-snapshot-isolation": {"G1-process", GNonadjacent + "-process"},
	"strong-snapshot-isolation":         {"G1-realtime", GNonadjacent + "-realtime"},
	"strong-session-serializable":       {"G1-process", G2 + "-process"},
	StrictSerializable:                  {G1c + "-realtime", G2 + "-realtime"},
}

// otherNames are further names of models.
var otherNames = map[Model]Model{
	"PL-1": "read-uncommitted", "PL-2": "read-committed", "PL-CS": "cursor-stability", "PL-2L": "monotonic-view",
	"PL-2+": "consistent-view", "PL-FCV": "forward-consistent-view", "PL-MSR": "monotonic-snapshot-read",
	"PL-2.99": "repeatable-read", "PL-3U": "update-serializable", "PL-3": "serializable", "PL-SI": "snapshot-isolation",
	"PL-SS": StrictSerializable, "strong-serializable": StrictSerializable, "conflict-serializable": "serializable", "ROLA": "update-atomic",
	"strong-session-PL-1": "strong-session-read-uncommitted", "strong-session-PL-2": "strong-session-read-committed",
	"strong-PL-1": "strong-read-uncommitted", "strong-PL-2": "strong-read-committed",
}

// Models returns the names of all models, sorted.
func Models() []Model {
	return slices.Sorted(func(yield func(Model) bool) {
		for _, names := range []func(func(Model) bool){maps.Keys(weaker), maps.Keys(otherNames)} {
			for name := range names {
				if !yield(name) {
					return
				}
			}
		}
	})
}

// ParseModels parses a list of names of models, separated by commas. An error names the model
// that is meant perhaps.
func ParseModels(list string) (models []Model, err error) {
	for name := range strings.SplitSeq(list, ",") {
		m := Model(strings.TrimPrefix(strings.TrimSpace(name), ":"))
		if other, ok := otherNames[m]; ok {
			m = other
		}
		if _, ok := weaker[m]; !ok {
			return nil, fmt.Errorf("consistency model %q is not known; the nearest is %q", string(m), string(nearest(m)))
		}
		models = append(models, m)
	}
	return models, nil
}

// nearest returns the shortest known name that begins with a name, or else the one that
// differs in the fewest letters.
func nearest(name Model) (best Model) {
	given, least := strings.ToLower(string(name)), 1<<30
	for _, known := range Models() {
		d := distance(given, strings.ToLower(string(known)))
		if given != "" && strings.HasPrefix(strings.ToLower(string(known)), given) {
			d -= 1 << 20
		}
		if d < least {
			best, least = known, d
		}
	}
	return best
}

// distance returns how many letters must be added, left out or replaced to make a of b
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// withWeaker adds to models those that also hold if they hold.
func withWeaker(models ...Model) map[Model]bool {
	all := map[Model]bool{}
	for left := slices.Clone(models); len(left) > 0; {
		m := left[len(left)-1]
		left = left[:len(left)-1]
		if !all[m] {
			all[m] = true
			left = append(left, weaker[m]...)
		}
	}
	return all
}

// Forbidden reports whether the models forbid an anomaly, or one that it implies.
func Forbidden(models []Model, a Anomaly) bool {
	with := withImplied([]Anomaly{a})
	for m := range withWeaker(models...) {
		for _, f := range forbids[m] {
			if with[f] {
				return true
			}
		}
	}
	return false
}

// Boundary returns the strongest models that allow all anomalies, and the weakest that do not.
// A model that forbids nothing here is in neither.
func Boundary(anomalies []Anomaly) (held, broken []Model) {
	isBroken := func(m Model) bool {
		return slices.ContainsFunc(anomalies, func(a Anomaly) bool { return Forbidden([]Model{m}, a) })
	}
	forbidsNothing := func(m Model) bool {
		for w := range withWeaker(m) {
			if len(forbids[w]) > 0 {
				return false
			}
		}
		return true
	}
	for m := range weaker {
		switch {
		case forbidsNothing(m):
		case isBroken(m):
			if !slices.ContainsFunc(weaker[m], isBroken) {
				broken = append(broken, m)
			}
		case !slices.ContainsFunc(stronger(m), func(s Model) bool { return !isBroken(s) }):
			held = append(held, m)
		}
	}
	slices.Sort(held)
	slices.Sort(broken)
	return held, broken
}

// stronger returns the models whose weaker models include m.
func stronger(m Model) (all []Model) {
	for s, ws := range weaker {
		if slices.Contains(ws, m) {
			all = append(all, s)
		}
	}
	return all
}

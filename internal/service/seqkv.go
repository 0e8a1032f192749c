package service

import (
	"math/rand/v2"
	"sort"

	"github.com/eddyrpc/eddy/internal/canonical"
)

// seqKV is sequentially consistent. There is one order of all changes. Each
// requester has a position in it that never decreases. A request that changes
// nothing (a read, a cas that fails, a write of the current value) is served at a
// random position between the requester's position and the end, which becomes the
// requester's position. A request that changes a value is served at the end.
type seqKV struct {
	length    int // the number of changes
	versions  map[string][]version
	positions map[string]int // by requester
}

// A version is the value of a key from the position at on.
type version struct {
	at    int
	value string
}

// maxStaleness is how many changes a read may miss.
const maxStaleness = 64

func (s *seqKV) serve(src string, random *rand.Rand, r *request) reply {
	o, refused := parse(r)
	if refused.typ != "" {
		return refused
	}
	if s.versions == nil {
		s.versions, s.positions = map[string][]version{}, map[string]int{}
	}
	earliest := max(s.positions[src], s.length-maxStaleness)
	at := earliest + random.IntN(s.length-earliest+1)
	result, changes := s.apply(&o, at)
	if changes {
		at = s.length
		result, changes = s.apply(&o, at)
	}
	if changes {
		s.length++
		at = s.length
		s.versions[o.key] = append(s.versions[o.key], version{at, o.value})
	}
	s.positions[src] = at
	return result
}

// apply returns the reply to an operation at a position, and whether the operation
// changes a value.
func (s *seqKV) apply(o *op, at int) (result reply, changes bool) {
	current, exists := s.valueAt(o.key, at)
	result, writes := o.apply(current, exists)
	return result, writes && !(exists && canonical.JSON(current) == canonical.JSON(o.value))
}

// valueAt returns the value of a key at a position.
func (s *seqKV) valueAt(key string, at int) (value string, exists bool) {
	all := s.versions[key]
	later := sort.Search(len(all), func(i int) bool { return all[i].at > at })
	if later == 0 {
		return "", false
	}
	return all[later-1].value, true
}

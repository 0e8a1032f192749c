package service

import (
	"math/rand/v2"
	"sort"

	"github.com/eddyrpc/eddy/internal/canonical"
)

// seqKV is sequentially consistent. There is one order of all changes; each
// asker stands somewhere in it and never goes back. What changes nothing, a
// read, a cas that fails, a write of what is there already, may be answered from
// anywhere between where its asker stands and the end; what changes something
// happens at the end, and takes its asker there.
type seqKV struct {
	length   int // changes so far
	versions map[string][]version
	stands   map[string]int
}

// A version is a key's value from the at-th change on.
type version struct {
	at    int
	value string
}

// reach is how many changes back a read may be from.
const reach = 64

func (s *seqKV) serve(asker string, choose *rand.Rand, r *request) reply {
	o, refused := parse(r)
	if refused.typ != "" {
		return refused
	}
	if s.versions == nil {
		s.versions, s.stands = map[string][]version{}, map[string]int{}
	}
	earliest := max(s.stands[asker], s.length-reach)
	at := earliest + choose.IntN(s.length-earliest+1)
	answer, changes := s.apply(&o, at)
	if changes {
		at = s.length
		answer, changes = s.apply(&o, at)
	}
	if changes {
		s.length++
		at = s.length
		s.versions[o.key] = append(s.versions[o.key], version{at, o.value})
	}
	s.stands[asker] = at
	return answer
}

// apply is the answer at a place in the order, and whether it changes anything.
func (s *seqKV) apply(o *op, at int) (answer reply, changes bool) {
	now, there := s.valueAt(o.key, at)
	answer, writes := o.apply(now, there)
	return answer, writes && !(there && canonical.JSON(now) == canonical.JSON(o.value))
}

func (s *seqKV) valueAt(key string, at int) (value string, there bool) {
	all := s.versions[key]
	later := sort.Search(len(all), func(i int) bool { return all[i].at > at })
	if later == 0 {
		return "", false
	}
	return all[later-1].value, true
}

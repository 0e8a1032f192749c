package service

import (
	"math/rand/v2"
	"sort"
)

// seqKV is sequentially consistent. There is one order of all writes; each
// asker stands somewhere in it and never goes back. What changes nothing, a
// read or a cas that fails, may be answered from anywhere between where its
// asker stands and the end; what changes something happens at the end, and
// takes its asker there.
type seqKV struct {
	length   int // writes so far
	versions map[string][]version
	stands   map[string]int
}

// A version is a key's value from the at-th write on.
type version struct {
	at    int
	value string
}

// reach is how many writes back a read may be from.
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
	answer, writes := o.apply(s.valueAt(o.key, at))
	if writes {
		at = s.length
		answer, writes = o.apply(s.valueAt(o.key, at))
	}
	if writes {
		s.length++
		at = s.length
		s.versions[o.key] = append(s.versions[o.key], version{at, o.value})
	}
	s.stands[asker] = at
	return answer
}

func (s *seqKV) valueAt(key string, at int) (value string, there bool) {
	all := s.versions[key]
	later := sort.Search(len(all), func(i int) bool { return all[i].at > at })
	if later == 0 {
		return "", false
	}
	return all[later-1].value, true
}

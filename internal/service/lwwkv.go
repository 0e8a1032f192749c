package service

import "math/rand/v2"

const replicas = 5

// lwwKV is eventually consistent: of several replicas one is chosen for each
// request, so that a write may be missed by the next read of the same asker and
// two cas may both succeed. With every request one replica tells another of one
// key, the later write wins, and in the end all agree.
type lwwKV struct {
	replicas [replicas]map[string]stamped
	clock    int64
}

type stamped struct {
	at    int64
	value string
}

func newLWW() *lwwKV {
	s := &lwwKV{}
	for i := range s.replicas {
		s.replicas[i] = map[string]stamped{}
	}
	return s
}

func (s *lwwKV) serve(_ string, choose *rand.Rand, r *request) reply {
	o, refused := parse(r)
	if refused.typ != "" {
		return refused
	}
	here := s.replicas[choose.IntN(replicas)]
	now, there := here[o.key]
	answer, writes := o.apply(now.value, there)
	if writes {
		s.clock++
		here[o.key] = stamped{s.clock, o.value}
	}
	s.gossip(choose.IntN(replicas), choose.IntN(replicas), o.key)
	return answer
}

func (s *lwwKV) gossip(from, to int, key string) {
	if news := s.replicas[from][key]; news.at > s.replicas[to][key].at {
		s.replicas[to][key] = news
	}
}

package service

import "math/rand/v2"

// linKV is linearizable since it serves one request after another from one map.
type linKV struct{ values map[string]string }

func (s *linKV) serve(_ string, _ *rand.Rand, r *request) reply {
	o, refused := parse(r)
	if refused.typ != "" {
		return refused
	}
	now, there := s.values[o.key]
	answer, writes := o.apply(now, there)
	if writes {
		if s.values == nil {
			s.values = map[string]string{}
		}
		s.values[o.key] = o.value
	}
	return answer
}

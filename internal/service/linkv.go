package service

import "math/rand/v2"

// linKV is linearizable because it serves one request at a time from one map.
type linKV struct{ values map[string]string }

func (s *linKV) serve(_ string, _ *rand.Rand, r *request) reply {
	o, refused := parse(r)
	if refused.typ != "" {
		return refused
	}
	current, exists := s.values[o.key]
	result, writes := o.apply(current, exists)
	if writes {
		if s.values == nil {
			s.values = map[string]string{}
		}
		s.values[o.key] = o.value
	}
	return result
}

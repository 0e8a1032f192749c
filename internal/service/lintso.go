package service

import (
	"fmt"
	"math/rand/v2"
)

// linTSO is a linearizable timestamp oracle, as in Percolator (Peng and Dabek,
// OSDI 2010, section 2.3).
type linTSO struct{ next int64 }

func (s *linTSO) serve(_ string, _ *rand.Rand, r *request) reply {
	if r.typ != "ts" {
		return refuse(notSupported, "type %s is not supported: must be ts", r.typ)
	}
	s.next++
	return reply{"ts_ok", fmt.Sprintf(`,"ts":%d`, s.next-1)}
}

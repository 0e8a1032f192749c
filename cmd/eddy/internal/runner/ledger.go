package runner

// A ledger counts how often each id came up, to at most 255. Most nodes number
// from 0 on without gaps; such ids cost a byte each.
type ledger struct {
	dense  []uint8
	sparse map[int64]uint8
}

// maxGap is how far an id may be ahead of those before it to be kept densely.
const maxGap = 1 << 12

// add counts an id and returns how often it came up now.
func (l *ledger) add(id int64) int {
	if n := int64(len(l.dense)); id >= n && id < n+maxGap && l.sparse[id] == 0 {
		for int64(len(l.dense)) <= id {
			l.dense = append(l.dense, 0)
			at := int64(len(l.dense)) - 1
			if c, ok := l.sparse[at]; ok {
				l.dense[at] = c
				delete(l.sparse, at)
			}
		}
	}
	if id < int64(len(l.dense)) {
		if l.dense[id] < 255 {
			l.dense[id]++
		}
		return int(l.dense[id])
	}
	if l.sparse == nil {
		l.sparse = map[int64]uint8{}
	}
	if l.sparse[id] < 255 {
		l.sparse[id]++
	}
	return int(l.sparse[id])
}

// count is how often an id came up.
func (l *ledger) count(id int64) int {
	if id < int64(len(l.dense)) {
		return int(l.dense[id])
	}
	return int(l.sparse[id])
}

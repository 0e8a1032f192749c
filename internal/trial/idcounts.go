package trial

// idCounts counts how often each id occurs, up to 255. Most nodes number their
// messages from 0 without gaps; such ids cost one byte each.
type idCounts struct {
	dense  []uint8
	sparse map[int64]uint8
}

// maxGap is how far an id may be ahead of the dense ones to be counted densely.
const maxGap = 1 << 12

// add counts an id and returns its new count.
func (c *idCounts) add(id int64) int {
	if n := int64(len(c.dense)); id >= n && id < n+maxGap && c.sparse[id] == 0 {
		for int64(len(c.dense)) <= id {
			at := int64(len(c.dense))
			c.dense = append(c.dense, c.sparse[at])
			delete(c.sparse, at)
		}
	}
	if id < int64(len(c.dense)) {
		if c.dense[id] < 255 {
			c.dense[id]++
		}
		return int(c.dense[id])
	}
	if c.sparse == nil {
		c.sparse = map[int64]uint8{}
	}
	if c.sparse[id] < 255 {
		c.sparse[id]++
	}
	return int(c.sparse[id])
}

// count returns the count of an id.
func (c *idCounts) count(id int64) int {
	if id < int64(len(c.dense)) {
		return int(c.dense[id])
	}
	return int(c.sparse[id])
}

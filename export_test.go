package eddy

// SetIncarnation sets the random number of the call ids, so that a transcript can show
// them.
func (n *Node) SetIncarnation(random uint64) {
	n.process.SetNumber(random)
}

// Size returns how many replies a Dedup keeps, and about how many bytes that takes.
func (d *Dedup) Size() (replies, bytes int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.table.Size()
}

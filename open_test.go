package eddy

// SetLife makes the marks of the node's calls what a transcript expects.
func (n *Node) SetLife(random uint64) {
	n.life.seed()
	n.life.random = random
}

// OpenCalls is how many calls stand in the table, and how many requests are
// open, for tests that look for what is left behind.
func (n *Node) OpenCalls() (calls, requests int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.calls.Open(), int(n.active.Load())
}

// Size is how many replies a Once keeps, and about how many bytes that takes.
func (o *Once) Size() (replies, bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.kept.Len(), o.bytes
}

// OpenTerms is how many requests' terms are kept.
func (n *Node) OpenTerms() int {
	n.terms.mu.Lock()
	defer n.terms.mu.Unlock()
	return len(n.terms.of)
}

// HasCoroutines reports whether handlers that wait for calls are coroutines.
func HasCoroutines() bool { return goroutine() != 0 }

// Distrusts reports that a type of messages runs on goroutines of its own.
func (n *Node) Distrusts(typ string) bool { return n.handlers[typ].distrusted() }

// Watching reports that the node looks out for a handler that takes long.
func (n *Node) Watching() bool { return n.watch.awake.Load() }

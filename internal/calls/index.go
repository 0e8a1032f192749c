package calls

const pageSize = 127 // calls and a count fill 1 KiB, which the allocator has a size for

// An index finds the call that a msg_id belongs to. Ids come from a counter, so
// they stand in pages of neighbours: a page is found by a map, an id within it by
// its place. That costs 8 bytes an attempt and one step into a map 127 times
// smaller, where a map of ids costs some 40 bytes and a cache miss each time
// (BenchmarkTable; a million open calls).
type index[O any] struct {
	pages map[int64]*page[O]
	last  *page[O] // the page of the newest ids
	lastN int64
	seen  *page[O] // the page that was looked at last: replies come much in the order of their calls (BenchmarkRelay in cmd/relay)
	seenN int64
	spare *page[O]
}

type page[O any] struct {
	taken int // first, for whoever looks at a page looks there
	calls [pageSize]*Call[O]
}

// find is page number n, nil if there is none.
func (x *index[O]) find(n int64) *page[O] {
	if x.seen == nil || x.seenN != n {
		x.seen, x.seenN = x.pages[n], n
	}
	return x.seen
}

func (x *index[O]) get(id int64) *Call[O] {
	p := x.find(id / pageSize)
	if p == nil {
		return nil
	}
	return p.calls[id%pageSize]
}

func (x *index[O]) put(id int64, c *Call[O]) {
	if x.last == nil || x.lastN != id/pageSize {
		x.last, x.lastN = x.page(id/pageSize), id/pageSize
	}
	x.last.calls[id%pageSize] = c
	x.last.taken++
}

// page finds or makes page number n.
func (x *index[O]) page(n int64) *page[O] {
	p := x.pages[n]
	if p != nil {
		return p
	}
	if p, x.spare = x.spare, nil; p == nil {
		p = new(page[O])
	}
	if x.pages == nil {
		x.pages = make(map[int64]*page[O])
	}
	x.pages[n] = p
	return p
}

// remove forgets an id that is known.
func (x *index[O]) remove(id int64) {
	n := id / pageSize
	p := x.find(n)
	p.calls[id%pageSize] = nil
	p.taken--
	if p.taken > 0 {
		return
	}
	delete(x.pages, n)
	x.spare, x.seen = p, nil
	if x.last == p {
		x.last = nil
	}
}

// any is some call, nil if there is none.
func (x *index[O]) any() *Call[O] {
	for _, p := range x.pages {
		for _, c := range p.calls {
			if c != nil {
				return c
			}
		}
	}
	return nil
}

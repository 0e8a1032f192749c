package calls

const pageSize = 127 // calls and a count fill 1 KiB, which is a size class of the allocator

// An index finds the call that a msg_id belongs to. Since ids come from a counter, the
// index keeps neighbouring ids in one page: a map finds the page, and the id is the place
// in it. An attempt costs 8 bytes, and a page is looked up in a map that is 127 times
// smaller. A map of ids would cost about 40 bytes and a cache miss for each access
// (BenchmarkTable; bench, timeouts-1m).
type index[O any] struct {
	pages   map[int64]*page[O]
	newest  *page[O] // the page of the newest ids, and its number
	newestN int64
	latest  *page[O] // the page that was used last: replies come mostly in the order of their calls
	latestN int64
	spare   *page[O]
}

type page[O any] struct {
	used  int
	calls [pageSize]*Call[O]
}

// find returns page n, nil if there is none.
func (x *index[O]) find(n int64) *page[O] {
	if x.latest == nil || x.latestN != n {
		x.latest, x.latestN = x.pages[n], n
	}
	return x.latest
}

func (x *index[O]) get(id int64) *Call[O] {
	p := x.find(id / pageSize)
	if p == nil {
		return nil
	}
	return p.calls[id%pageSize]
}

func (x *index[O]) put(id int64, c *Call[O]) {
	if x.newest == nil || x.newestN != id/pageSize {
		x.newest, x.newestN = x.page(id/pageSize), id/pageSize
	}
	x.newest.calls[id%pageSize] = c
	x.newest.used++
}

// page finds or makes page n.
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
	if x.latestN == n { // find did not find it before
		x.latest = nil
	}
	return p
}

// remove removes an id that is in the index.
func (x *index[O]) remove(id int64) {
	n := id / pageSize
	p := x.find(n)
	p.calls[id%pageSize] = nil
	p.used--
	if p.used > 0 {
		return
	}
	delete(x.pages, n)
	x.spare, x.latest = p, nil
	if x.newest == p {
		x.newest = nil
	}
}

// any returns one of the calls, nil if there is none.
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

package checker

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/history"
)

// notCommitted is the committed offset of a key that has none.
const notCommitted = -1

// keyCommits are the commits of one key, and what nodes listed.
type keyCommits struct {
	byOffset map[int64]*offsetCommits
	acked    []commit
	lists    []list
}

// A commit is one key of a commit_offsets.
type commit struct {
	op     *history.Op
	offset int64
}

// A list is one key of a list_committed_offsets that has a result.
type list struct {
	op     *history.Op
	offset int64
}

// offsetCommits are the commits of one offset.
type offsetCommits struct {
	begun  []*history.Op // those that may have taken effect, in the order in which they began
	failed *history.Op   // one that definitely failed, or nil
}

// lastEnd returns when the last of the commits that began by a time ended.
// math.MaxInt64 means that it may still take effect. It returns false if none began.
func (c *offsetCommits) lastEnd(by time.Duration) (end time.Duration, began bool) {
	if c == nil {
		return 0, false
	}
	for _, op := range c.begun {
		if op.From > by {
			break
		}
		began = true
		if op.Outcome != history.OK {
			return math.MaxInt64, true
		}
		end = max(end, op.To)
	}
	return end, began
}

func (k *kafkaCheck) commitsOf(key int64) *keyCommits {
	c := k.commits[key]
	if c == nil {
		c = &keyCommits{byOffset: map[int64]*offsetCommits{}}
		k.commits[key] = c
	}
	return c
}

func (k *kafkaCheck) addCommit(op *history.Op) error {
	if op.Again {
		return nil // says no more than the operation
	}
	offsets, err := ParseOffsets(op.Value)
	if err != nil {
		return err
	}
	for _, o := range offsets {
		all := k.commitsOf(o.Key)
		c := all.byOffset[o.Offset]
		if c == nil {
			c = &offsetCommits{}
			all.byOffset[o.Offset] = c
		}
		if op.Outcome == history.Fail {
			c.failed = op
			continue
		}
		c.begun = append(c.begun, op)
		if op.Outcome == history.OK {
			all.acked = append(all.acked, commit{op, o.Offset})
		}
	}
	return nil
}

func (k *kafkaCheck) addList(op *history.Op) error {
	if op.Outcome != history.OK {
		return nil
	}
	keys, err := parseKeys(op.Value)
	if err != nil {
		return err
	}
	offsets, err := ParseOffsets(op.Result)
	if err != nil {
		return err
	}
	for _, key := range keys {
		l := list{op: op, offset: notCommitted}
		i, found := slices.BinarySearchFunc(offsets, key, func(o KeyOffset, key int64) int { return cmp.Compare(o.Key, key) })
		if found {
			l.offset = offsets[i].Offset
		}
		c := k.commitsOf(key)
		c.lists = append(c.lists, l)
	}
	return nil
}

// checkCommits checks the lists of all keys.
func (k *kafkaCheck) checkCommits() {
	for _, key := range slices.Sorted(maps.Keys(k.commits)) {
		c := k.commits[key]
		k.checkCommitted(key, c)
		k.checkBack(key, c)
	}
}

// checkCommitted checks that each listed offset was committed.
func (k *kafkaCheck) checkCommitted(key int64, c *keyCommits) {
	for _, l := range c.lists {
		if l.offset == notCommitted {
			continue
		}
		commits := c.byOffset[l.offset]
		if _, began := commits.lastEnd(l.op.To); began {
			continue
		}
		const listed = "%v: it listed %d as the committed offset of key %d, "
		end := int64(-1)
		if log := k.logs[key]; log != nil && len(log.offsets) > 0 {
			end = log.offsets[len(log.offsets)-1]
		}
		switch {
		case commits != nil && len(commits.begun) > 0:
			k.found.add("invented-commit", l.op.To, -1, listed+"which no client had committed before %s", l.op, l.offset, key, seconds(commits.begun[0].From))
		case commits != nil:
			if k.found.add("invented-commit", l.op.To, -1, listed+"whose commit by %s definitely failed at %s: %s",
				l.op, l.offset, key, commits.failed.Client, seconds(commits.failed.To), commits.failed.Error) {
				k.found.addRequests(commits.failed)
			}
		case l.offset > end:
			k.found.add("commit-beyond-log", l.op.To, -1, listed+"which no client committed; the greatest known offset of its log is %d", l.op, l.offset, key, end)
		default:
			k.found.add("invented-commit", l.op.To, -1, listed+"which no client committed", l.op, l.offset, key)
		}
	}
}

// An evidence says that an offset was committed at some time between two times: by
// an acknowledged commit, or because a node listed it.
type evidence struct {
	op       *history.Op
	offset   int64
	from, to time.Duration
}

// checkBack checks that no node lists an older committed offset than it acknowledged
// or listed before, and that in the end each node lists the offsets that others
// acknowledged.
func (k *kafkaCheck) checkBack(key int64, c *keyCommits) {
	lists := slices.Clone(c.lists)
	slices.SortStableFunc(lists, func(a, b list) int { return cmp.Compare(a.op.From, b.op.From) })
	last := map[string]*history.Op{} // the last final list of each node
	for _, l := range lists {
		if l.op.Final && !l.op.Again {
			last[l.op.Node] = l.op
		}
	}
	known, ofNode := frontier{}, map[string]*frontier{}
	rest := c.evidence(lists)
	for _, l := range lists {
		for ; len(rest) > 0 && rest[0].to < l.op.From; rest = rest[1:] {
			e := rest[0]
			if ofNode[e.op.Node] == nil {
				ofNode[e.op.Node] = &frontier{}
			}
			ofNode[e.op.Node].add(e)
			known.add(e)
		}
		since := time.Duration(-1)
		if l.offset != notCommitted {
			var began bool
			if since, began = c.byOffset[l.offset].lastEnd(l.op.To); !began {
				continue // it was invented
			}
		}
		if e := ofNode[l.op.Node].after(since, l.offset); e != nil {
			k.wentBack("committed-back", key, l, e)
		} else if e := known.after(since, l.offset); e != nil && last[l.op.Node] == l.op {
			k.wentBack("lost-commit", key, l, e)
		}
	}
}

// wentBack adds a problem for an older committed offset than there is evidence for.
func (k *kafkaCheck) wentBack(check string, key int64, l list, e *evidence) {
	listed := "no committed offset"
	if l.offset != notCommitted {
		listed = fmt.Sprintf("%d as the committed offset", l.offset)
	}
	how := "acknowledged to " + e.op.Client + " by " + e.op.Node
	if e.op.F != "commit_offsets" {
		how = "listed to " + e.op.Client + " by " + e.op.Node
	}
	if k.found.add(check, l.op.To, -1, "%v: it listed %s of key %d, although %d had been %s at %s",
		l.op, listed, key, e.offset, how, seconds(e.op.To)) {
		k.found.addRequests(e.op)
	}
}

// evidence returns the evidence of the acknowledged commits and the lists, in the
// order of its ends.
func (c *keyCommits) evidence(lists []list) (all []evidence) {
	for _, a := range c.acked {
		all = append(all, evidence{a.op, a.offset, a.op.From, a.op.To})
	}
	for _, l := range lists {
		// A node may list an old offset. So what it lists was committed since its
		// first commit began, not since the list began.
		if commits := c.byOffset[l.offset]; commits != nil && len(commits.begun) > 0 {
			all = append(all, evidence{l.op, l.offset, commits.begun[0].From, l.op.To})
		}
	}
	slices.SortStableFunc(all, func(a, b evidence) int { return cmp.Compare(a.to, b.to) })
	return all
}

// A frontier is the evidence that is not outdone by other evidence with a later
// beginning and a greater offset. It is sorted by ascending beginnings and
// descending offsets.
type frontier struct{ all []evidence }

// add adds evidence.
func (f *frontier) add(e evidence) {
	i, _ := slices.BinarySearchFunc(f.all, e, func(a, b evidence) int { return cmp.Compare(a.from, b.from) })
	if i < len(f.all) && f.all[i].offset >= e.offset {
		return
	}
	if i < len(f.all) && f.all[i].from == e.from {
		i++
	}
	first := i
	for first > 0 && f.all[first-1].offset <= e.offset {
		first--
	}
	f.all = slices.Replace(f.all, first, i, e)
}

// after returns evidence that began after a time and has a greater offset, or nil.
func (f *frontier) after(since time.Duration, offset int64) *evidence {
	if f == nil {
		return nil
	}
	i, _ := slices.BinarySearchFunc(f.all, since, func(a evidence, since time.Duration) int {
		if a.from <= since {
			return -1
		}
		return 1
	})
	if i < len(f.all) && f.all[i].offset > offset {
		return &f.all[i]
	}
	return nil
}

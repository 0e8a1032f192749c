package page

import (
	"encoding/binary"
	"html/template"
	"sync"
	"unicode/utf8"

	"github.com/eddyrpc/eddy/internal/sim"
)

// The page contains only a part of the bodies. The journal has all of them.
const (
	bodyBytes     = 4 << 10 // the limit of one body
	bodiesInBlock = 4096    // the number of bodies that are compressed together
)

// A block contains compressed bodies, each after its length and its length in the
// page.
type block struct {
	First int           `json:"first"` // the index of its first message
	Count int           `json:"count"`
	Text  template.HTML `json:"-"` // base64
}

// bodies returns the blocks of the messages from first to before end, within a budget
// of bytes of base64. The bodies of the wanted messages are included in any case.
func bodies(j *sim.Journal, first, end int, wanted []int, budget int) (blocks []block, kept int) {
	const together = 8 // the number of blocks that are compressed in parallel
	for at := first; at < end && budget > 0; {
		var batch []block
		var wait sync.WaitGroup
		results := make([]template.HTML, together)
		for i := 0; i < together && at < end; i++ {
			count := min(bodiesInBlock, end-at)
			batch = append(batch, block{First: at - first, Count: count})
			from := at
			wait.Go(func() { results[i] = pack(blockOf(j, from, from+count)) })
			at += count
		}
		wait.Wait()
		for i, b := range batch {
			if budget -= len(results[i]); budget < 0 {
				break
			}
			b.Text = results[i]
			kept += b.Count
			blocks = append(blocks, b)
		}
	}
	for _, at := range wanted {
		if at >= first+kept && at < end {
			blocks = append(blocks, block{First: at - first, Count: 1, Text: pack(blockOf(j, at, at+1))})
		}
	}
	return blocks, kept
}

func blockOf(j *sim.Journal, from, to int) []byte {
	var text []byte
	for i := from; i < to; i++ {
		m := j.At(i)
		shown := m.Body
		if len(shown) > bodyBytes {
			shown = shown[:bodyBytes]
			for len(shown) > 0 && !utf8.RuneStart(m.Body[len(shown)]) {
				shown = shown[:len(shown)-1]
			}
		}
		text = binary.AppendUvarint(text, uint64(len(m.Body)))
		text = binary.AppendUvarint(text, uint64(len(shown)))
		text = append(text, shown...)
	}
	return text
}

package page

import (
	"encoding/binary"
	"html/template"
	"sync"
	"unicode/utf8"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
)

// How much of the bodies is in the page. The rest is in the journal.
const (
	bodyBytes     = 4 << 10 // of one body
	bodiesInBlock = 4096    // that are compressed together
)

// A block holds bodies, each after its whole length and the length of what is
// there, compressed.
type block struct {
	First int           `json:"first"` // the place of its first message
	Count int           `json:"count"`
	Text  template.HTML `json:"-"` // base64
}

// bodies are the bodies of the messages from first to before end, as far as there
// is room for so many bytes of base64, and those of some messages in any case.
func bodies(j *sim.Journal, first, end int, wanted []int, budget int) (blocks []block, kept int) {
	const together = 8 // blocks that are compressed side by side
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

package history

import (
	"iter"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/names"
)

// A History holds every operation of a test, in the order in which they began. An
// operation costs about 100 bytes, its value and its result. A result that equals
// the value, as with echo, costs nothing. The zero value is an empty history. It is
// safe for concurrent reading, but not while it is written.
type History struct {
	names  names.Table
	blocks [][]row // of rowsPerBlock each
	length int
	agains int // of length
	texts  [][]byte
	gaveUp map[int]time.Duration // Op.GaveUp by operation; there are few
}

// An End is how an operation ended. Its fields are those of Op; At is Op.To.
type End struct {
	Outcome Outcome
	At      time.Duration
	Result  jsontext.Value
	Error   string
	Code    int64
	GaveUp  time.Duration
}

const (
	rowsPerBlock = 4096
	textBlock    = 256 << 10
)

// A row is an operation as it is stored. It contains no pointers, so that a million
// rows cost the garbage collector nothing.
type row struct {
	from, to             time.Duration
	process              int64
	msgID, key, code     int64
	value, result, error span
	client, node, f      uint32 // numbered by names
	outcome              Outcome
	final, again         bool
}

// A span is the position of a text in History.texts.
type span struct{ block, start, size uint32 }

// Of returns the history of some operations.
func Of(ops ...Op) *History {
	h := new(History)
	for i := range ops {
		op := &ops[i]
		at := h.Begin(op)
		if h.row(at).again = op.Again; op.Again {
			h.agains++
		}
		h.End(at, End{Outcome: op.Outcome, At: op.To, Result: op.Result, Error: op.Error, Code: op.Code, GaveUp: op.GaveUp})
	}
	return h
}

// Begin adds an operation that begins and returns its index. It copies what it
// keeps. It ignores the fields of op that say how it ended.
func (h *History) Begin(op *Op) int {
	if h.length%rowsPerBlock == 0 {
		h.blocks = append(h.blocks, make([]row, rowsPerBlock))
	}
	h.length++
	*h.row(h.length - 1) = row{
		from: op.From, process: int64(op.Process), msgID: op.MsgID, key: op.Key, value: h.keep(op.Value),
		client: h.names.Number(op.Client), node: h.names.Number(op.Node), f: h.names.Number(op.F), final: op.Final,
	}
	return h.length - 1
}

// End ends operation i. If it had ended, the last End counts.
func (h *History) End(i int, end End) {
	r := h.row(i)
	r.outcome, r.to, r.code = end.Outcome, end.At, end.Code
	r.error = h.keep([]byte(end.Error))
	if r.result = r.value; string(h.text(r.value)) != string(end.Result) {
		r.result = h.keep(end.Result)
	}
	if end.GaveUp != 0 {
		if h.gaveUp == nil {
			h.gaveUp = map[int]time.Duration{}
		}
		h.gaveUp[i] = end.GaveUp
	}
}

// Again adds a further reply to the request of operation i: see Op.Again.
func (h *History) Again(i int, end End) {
	op := h.At(i)
	again := h.Begin(&op)
	h.row(again).again = true
	h.agains++
	h.End(again, end)
}

// Len returns the number of operations and further replies.
func (h *History) Len() int { return h.length }

// Operations returns the number of operations.
func (h *History) Operations() int { return h.length - h.agains }

// At returns operation i. The caller must not change its values.
func (h *History) At(i int) Op {
	r := h.row(i)
	return Op{
		Process: int(r.process), Client: h.names.Name(r.client), Node: h.names.Name(r.node), MsgID: r.msgID,
		Outcome: r.outcome, F: h.names.Name(r.f), Key: r.key,
		Value: h.text(r.value), Result: h.text(r.result), Error: string(h.text(r.error)),
		Code: r.code, From: r.from, To: r.to, GaveUp: h.gaveUp[i], Final: r.final, Again: r.again,
	}
}

// All iterates over the operations. The caller may keep the pointers.
func (h *History) All() iter.Seq[*Op] {
	return func(yield func(*Op) bool) {
		for i := range h.length {
			op := h.At(i)
			if !yield(&op) {
				return
			}
		}
	}
}

func (h *History) row(i int) *row { return &h.blocks[i/rowsPerBlock][i%rowsPerBlock] }

// text returns the text at a span, or nil if it is empty.
func (h *History) text(s span) []byte {
	if s.size == 0 {
		return nil
	}
	end := s.start + s.size
	return h.texts[s.block][s.start:end:end]
}

// keep copies a text into the current block of texts.
func (h *History) keep(text []byte) span {
	if len(text) == 0 {
		return span{}
	}
	last := len(h.texts) - 1
	if last < 0 || len(h.texts[last])+len(text) > cap(h.texts[last]) {
		h.texts = append(h.texts, make([]byte, 0, max(textBlock, len(text))))
		last++
	}
	start := len(h.texts[last])
	h.texts[last] = append(h.texts[last], text...)
	return span{uint32(last), uint32(start), uint32(len(text))}
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	echoRequest = `{"src":"c1","dest":"n1","body":{"type":"echo","msg_id":#,"echo":"Please echo #"}}`
	echoText    = "Please echo "
)

// echoInputs keeps the lines for the next round.
var echoInputs = map[int]*Input{}

func echoInput(n int) *Input {
	if echoInputs[n] == nil {
		clear(echoInputs) // some hundred megabytes each
		echoInputs[n] = makeInput(n, echoRequest)
	}
	return echoInputs[n]
}

// echoes checks the answers to lines 1 to n of an echo input.
type echoes struct {
	n       int
	count   int
	seen    Bits
	ordered bool
	copied  bool // the answer is the request

	dest, typ, echo, inReplyTo, msgID Key
}

func newEchoes(n int, p *Peer) *echoes {
	return &echoes{
		n: n, seen: newBits(n + 1), ordered: p.Orders, copied: p.Copies,
		dest: newKey("dest"), typ: newKey("type"), echo: newKey("echo"),
		inReplyTo: newKey("in_reply_to"), msgID: newKey("msg_id"),
	}
}

var (
	errNotAnswer = errors.New("not the answer to a request")
	errTwice     = errors.New("answered twice, or never asked")
	errOrder     = errors.New("out of order")
)

// answer returns the number of the request that the line answers. It checks the bytes of
// every line, and decodes one line in 1,024.
func (c *echoes) answer(line []byte) (int, error) {
	if c.copied {
		c.count++
		return c.count, nil
	}
	id := c.inReplyTo.Int(line)
	if !c.dest.Is(line, `"c1"`) || !c.typ.Is(line, `"echo_ok"`) || !c.echo.Is(line, `"`+echoText) {
		return 0, errNotAnswer
	}
	value, rest := number(line[c.echo.In(line)+1+len(echoText):])
	if value != id || len(rest) == 0 || rest[0] != '"' {
		return 0, errNotAnswer
	}
	if id > c.n || !c.seen.Add(id) {
		return 0, errTwice
	}
	c.count++
	// init_ok was message 0.
	if c.ordered && (id != c.count || c.msgID.Int(line) != c.count) {
		return 0, errOrder
	}
	if c.count%1024 == 1 {
		return id, c.whole(line, id)
	}
	return id, nil
}

func (c *echoes) whole(line []byte, id int) error {
	var m struct {
		Src, Dest string
		Body      struct {
			Type      string
			Echo      string
			InReplyTo int `json:"in_reply_to"`
		}
	}
	if err := json.Unmarshal(line, &m); err != nil {
		return fmt.Errorf("decoding an answer: %w", err)
	}
	b := m.Body
	if m.Src != "n1" || m.Dest != "c1" || b.Type != "echo_ok" || b.Echo != fmt.Sprint(echoText, id) || b.InReplyTo != id {
		return errNotAnswer
	}
	return nil
}

// copies checks that a peer returns the bytes that it got.
func copies(out *Lines, want []byte) error {
	for len(want) > 0 {
		got, err := out.Read()
		if err != nil {
			return fmt.Errorf("reading: %w", err)
		}
		if len(got) > len(want) || string(got) != string(want[:len(got)]) {
			return errNotAnswer
		}
		want = want[len(got):]
	}
	return nil
}

// pipelined writes all requests at once from one goroutine and reads the
// answers in another.
func pipelined(r *Run) (Sample, error) {
	in := echoInput(r.Size)
	s, _, err := pipeline(r, in, Options{}, nil)
	return s, err
}

// chunk is how much is written at a time: as much as a pipe holds.
const chunk = 64 << 10

// pipeline sends in and reads all answers. pause, if there is one, is called by the
// reader before each read with the number of answers so far. It also returns what the
// node wrote to standard error.
func pipeline(r *Run, in *Input, o Options, pause func(answers int)) (Sample, string, error) {
	p, err := r.Start(o)
	if err != nil {
		return nil, "", err
	}
	defer p.Kill()

	cpu := p.CPU()
	began := time.Now()
	wrote := make(chan error, 1)
	go func() { wrote <- writeChunks(p, in.bytes) }()
	if r.Peer.Copies {
		err = copies(p.Out, in.bytes)
	} else {
		err = readEchoes(p, newEchoes(in.Len(), r.Peer), pause)
	}
	took := time.Since(began)
	used := p.CPU() - cpu
	mem := p.Memory()
	if err != nil {
		err = p.explain(err)
		<-wrote
		return nil, "", err
	}
	if err := <-wrote; err != nil {
		return nil, "", p.explain(err)
	}
	if err := p.Close(); err != nil {
		return nil, "", err
	}
	n := float64(in.Len())
	return Sample{
		"rate": n / took.Seconds(),
		"cpu":  used.Seconds() / n,
		"peak": mem.Peak,
	}, p.errorText(), nil
}

func writeChunks(p *Process, text []byte) error {
	for len(text) > 0 {
		n, err := p.In.Write(text[:min(chunk, len(text))])
		if err != nil {
			return fmt.Errorf("writing: %w", err)
		}
		text = text[n:]
	}
	return nil
}

// readEchoes reads and checks answers until all have come.
func readEchoes(p *Process, check *echoes, pause func(answers int)) error {
	for check.count < check.n {
		if pause != nil {
			pause(check.count)
		}
		lines, err := p.Out.Read()
		if err != nil {
			return fmt.Errorf("reading after %d answers: %w", check.count, err)
		}
		err = each(lines, func(line []byte) error {
			_, err := check.answer(line)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// allocations runs the pipelined echo under gctrace and adds the growth of the heap
// between collections.
func allocations(r *Run) (Sample, error) {
	_, trace, err := pipeline(r, echoInput(r.Size), Options{Trace: true, Log: true}, nil)
	if err != nil {
		return nil, err
	}
	cycles, allocated := readTrace(trace)
	return Sample{"cycles": float64(cycles), "allocated": allocated / float64(r.Size)}, nil
}

// window keeps a number of echoes outstanding: as many new requests as were answered go
// out in one write.
func window(outstanding int) func(r *Run) (Sample, error) {
	return func(r *Run) (Sample, error) {
		p, err := r.Start(Options{})
		if err != nil {
			return nil, err
		}
		defer p.Kill()

		w := newEchoWindow(p, r)
		err = w.send(outstanding)
		for err == nil && w.check.count < w.total {
			err = w.step()
		}
		if err != nil {
			return nil, p.explain(err)
		}
		elapsed, used, n := w.stop()
		if err := p.Close(); err != nil {
			return nil, err
		}
		slices.Sort(w.took)
		return Sample{
			"p50":  percentile(w.took, 0.50),
			"p99":  percentile(w.took, 0.99),
			"rate": n / elapsed,
			"cpu":  used / n,
		}, nil
	}
}

// An echoWindow is the state of a run of window.
type echoWindow struct {
	warmUp
	in    *Input
	check *echoes
	total int         // requests
	next  int         // the request that is written next
	sent  []time.Time // by request
	took  []float64   // after the warm-up
}

func newEchoWindow(p *Process, r *Run) *echoWindow {
	warm := r.Size / 10
	total := warm + r.Size
	return &echoWindow{
		warmUp: warmUp{p: p, until: warm}, in: echoInput(total), check: newEchoes(total, r.Peer),
		total: total, next: 1, sent: make([]time.Time, total+1), took: make([]float64, 0, r.Size),
	}
}

// send writes the next n requests.
func (w *echoWindow) send(n int) error {
	n = min(n, w.total+1-w.next)
	if n == 0 {
		return nil
	}
	now := time.Now()
	for i := w.next; i < w.next+n; i++ {
		w.sent[i] = now
	}
	_, err := w.p.In.Write(w.in.Range(w.next, w.next+n-1))
	w.next += n
	return err
}

// step reads the answers that are there and sends as many requests.
func (w *echoWindow) step() error {
	lines, err := w.p.Out.Read()
	if err != nil {
		return err
	}
	now := time.Now()
	before := w.check.count
	err = each(lines, func(line []byte) error {
		id, err := w.check.answer(line)
		if w.check.count > w.until {
			w.took = append(w.took, now.Sub(w.sent[id]).Seconds())
		}
		return err
	})
	w.answered(w.check.count)
	if err != nil {
		return err
	}
	return w.send(w.check.count - before)
}

// A warmUp begins to measure once a number of answers has come.
type warmUp struct {
	p       *Process
	until   int // answers that do not count
	count   int // answers so far
	skipped int // answers before the measurement
	began   time.Time
	cpu     time.Duration
}

// answered notes how many answers have come in all.
func (w *warmUp) answered(count int) {
	w.count = count
	if w.began.IsZero() && count > w.until {
		w.began, w.cpu, w.skipped = time.Now(), w.p.CPU(), count
	}
}

// stop returns the seconds that have passed since the warm-up, the CPU seconds used,
// and the number of answers.
func (w *warmUp) stop() (elapsed, cpu, answers float64) {
	return time.Since(w.began).Seconds(), (w.p.CPU() - w.cpu).Seconds(), float64(w.count - w.skipped)
}

// startup measures the time from starting the process to reading init_ok.
func startup(r *Run) (Sample, error) {
	var took []float64
	for range r.Size {
		began := time.Now()
		p, err := r.Start(Options{})
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(began).Seconds())
		if err := p.Close(); err != nil {
			p.Kill()
			return nil, err
		}
	}
	return Sample{"p50": median(took)}, nil
}

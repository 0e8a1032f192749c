package sim

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"github.com/eddyrpc/eddy/internal/message"
)

// WriteTo writes the journal as JSON, one record or event per line, in the order
// of sending. The line of a record:
//
//	{"message":7,"src":"n1","dest":"n2","sent_ns":1200,"step":9,"fate":"delivered","done_ns":5200,"done_step":12,"body":{...}}
//
// It also has "duplicate_of" if the message is a duplicate, "forged" if the test
// sent it in another node's name, and "incarnation" if that is not 1. The line of
// an event has the field "event".
func (j *Journal) WriteTo(w io.Writer) (int64, error) {
	counted := &counter{w: w}
	out := bufio.NewWriterSize(counted, 64<<10)
	events := j.events
	var line []byte
	for r := range j.All() {
		for len(events) > 0 && events[0].Step < r.SentStep {
			if err := writeEvent(out, &events[0]); err != nil {
				return counted.n, err
			}
			events = events[1:]
		}
		line = r.appendJSON(line[:0])
		if _, err := out.Write(line); err != nil {
			return counted.n, err
		}
	}
	for i := range events {
		if err := writeEvent(out, &events[i]); err != nil {
			return counted.n, err
		}
	}
	err := out.Flush()
	return counted.n, err
}

// lineOptions encode durations as nanoseconds and allow bodies with duplicate
// names and escapes of lone surrogates.
var lineOptions = json.JoinOptions(jsonv1.FormatDurationAsNano(true), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), json.Deterministic(true))

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func writeEvent(out *bufio.Writer, e *Event) error {
	line, err := json.Marshal(e, lineOptions)
	if err != nil {
		return fmt.Errorf("encode an event: %w", err)
	}
	_, err = out.Write(append(line, '\n'))
	return err
}

func (r *Record) appendJSON(dst []byte) []byte {
	field := func(name string, value int64) {
		dst = append(dst, name...)
		dst = strconv.AppendInt(dst, value, 10)
	}
	field(`{"message":`, int64(r.Index))
	dst = message.AppendQuote(append(dst, `,"src":`...), r.Src)
	dst = message.AppendQuote(append(dst, `,"dest":`...), r.Dest)
	if r.Of >= 0 {
		field(`,"duplicate_of":`, int64(r.Of))
	}
	if r.Incarnation != 1 {
		field(`,"incarnation":`, int64(r.Incarnation))
	}
	if r.Forged {
		dst = append(dst, `,"forged":true`...)
	}
	field(`,"sent_ns":`, int64(r.Sent))
	field(`,"step":`, int64(r.SentStep))
	dst = append(append(append(dst, `,"fate":"`...), r.Fate.String()...), '"')
	if r.Fate != InFlight {
		field(`,"done_ns":`, int64(r.Done))
		field(`,"done_step":`, int64(r.DoneStep))
	}
	dst = append(dst, `,"body":`...)
	dst = appendLine(dst, r.Body)
	return append(dst, "}\n"...)
}

// appendLine appends a body as one line: it replaces line breaks by blanks. They
// occur only between tokens, since JSON strings cannot contain them.
func appendLine(dst, body []byte) []byte {
	from := len(dst)
	dst = append(dst, body...)
	for i := from; i < len(dst); i++ {
		if dst[i] == '\n' || dst[i] == '\r' {
			dst[i] = ' '
		}
	}
	return dst
}

// A savedRecord is the line of a record.
type savedRecord struct {
	Message     *int           `json:"message"`
	Src         string         `json:"src"`
	Dest        string         `json:"dest"`
	Of          *int           `json:"duplicate_of"`
	Forged      bool           `json:"forged"`
	Incarnation int            `json:"incarnation"`
	Sent        int64          `json:"sent_ns"`
	Step        uint32         `json:"step"`
	Fate        Fate           `json:"fate"`
	Done        int64          `json:"done_ns"`
	DoneStep    uint32         `json:"done_step"`
	Body        jsontext.Value `json:"body"`
}

// ReadJournal reads the output of WriteTo. Its errors name the line.
func ReadJournal(r io.Reader) (*Journal, error) {
	j := new(Journal)
	in := bufio.NewReaderSize(r, 64<<10)
	for number := 1; ; number++ {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if e := j.readLine(line); e != nil {
				return nil, fmt.Errorf("journal, line %d: %w", number, e)
			}
		}
		if errors.Is(err, io.EOF) {
			return j, j.checkSteps()
		}
		if err != nil {
			return nil, fmt.Errorf("read the journal: %w", err)
		}
	}
}

func (j *Journal) readLine(line []byte) error {
	if message.Member(line, "event") != nil {
		var e Event
		if err := json.Unmarshal(line, &e, lineOptions); err != nil {
			return err
		}
		j.steps = max(j.steps, uint32(e.Step))
		j.events = append(j.events, e)
		return nil
	}
	var saved savedRecord
	if err := json.Unmarshal(line, &saved, lineOptions); err != nil {
		return err
	}
	if saved.Message == nil || *saved.Message != j.length {
		return fmt.Errorf("the field message must be %d", j.length)
	}
	return j.restore(&saved)
}

func (j *Journal) restore(saved *savedRecord) error {
	m, _, err := message.NewAny(saved.Src, saved.Dest, saved.Body)
	if err != nil {
		return err
	}
	of := j.length
	if saved.Of != nil {
		if of = *saved.Of; of < 0 || of >= j.length {
			return errors.New("the field duplicate_of must be the number of an earlier message")
		}
	}
	incarnation := cmp.Or(saved.Incarnation, 1)
	block, start := j.keep(m.Body)
	j.append(row{
		sent: time.Duration(saved.Sent), done: time.Duration(saved.Done),
		id: m.ID, inReplyTo: m.InReplyTo,
		src: j.names.Number(m.Src), dest: j.names.Number(m.Dest), typ: j.typeNumber(m.Type),
		block: block, start: start, size: uint32(len(m.Body)), of: uint32(of),
		sentStep: saved.Step, doneStep: saved.DoneStep, incarnation: uint16(incarnation), fate: saved.Fate, forged: saved.Forged,
	})
	j.steps = max(j.steps, saved.Step, saved.DoneStep)
	return nil
}

// checkSteps rejects a damaged file whose steps are too large, because Steps
// allocates memory in proportion to the largest step.
func (j *Journal) checkSteps() error {
	if most := 2*j.length + len(j.events); int64(j.steps) > int64(most) {
		return fmt.Errorf("journal: step %d is larger than the number of steps, %d", j.steps, most)
	}
	return nil
}

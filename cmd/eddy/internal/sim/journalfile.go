package sim

import (
	"bufio"
	"bytes"
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

// WriteTo writes the journal as JSON, one record or event a line, in the order
// of sending. A record's line:
//
//	{"message":7,"src":"n1","dest":"n2","sent_ns":1200,"step":9,"fate":"delivered","done_ns":5200,"done_step":12,"body":{...}}
//
// with "of" for a duplicate, "forged" for one that the test sent in another's
// name, and "life" where it is not 0. An event's line is
// told from it by "event".
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

// asLines writes times as numbers of nanoseconds, and reads bodies in which a
// name comes twice.
var asLines = json.JoinOptions(jsonv1.FormatDurationAsNano(true), jsontext.AllowDuplicateNames(true), json.Deterministic(true))

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
	line, err := json.Marshal(e, asLines)
	if err != nil {
		return fmt.Errorf("write an event: %w", err)
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
		field(`,"of":`, int64(r.Of))
	}
	if r.Life != 0 {
		field(`,"life":`, int64(r.Life))
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

// appendLine keeps a body on one line: a line break between tokens, which a
// body made by hand may have, becomes a blank. In strings there is none.
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

// savedRecord is a record as WriteTo writes it.
type savedRecord struct {
	Message  *int           `json:"message"`
	Src      string         `json:"src"`
	Dest     string         `json:"dest"`
	Of       *int           `json:"of"`
	Forged   bool           `json:"forged"`
	Life     int            `json:"life"`
	Sent     int64          `json:"sent_ns"`
	Step     uint32         `json:"step"`
	Fate     Fate           `json:"fate"`
	Done     int64          `json:"done_ns"`
	DoneStep uint32         `json:"done_step"`
	Body     jsontext.Value `json:"body"`
}

// ReadJournal reads what WriteTo wrote. Its errors name the line.
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
		if err := json.Unmarshal(line, &e, asLines); err != nil {
			return err
		}
		j.steps = max(j.steps, uint32(e.Step))
		j.events = append(j.events, e)
		return nil
	}
	var saved savedRecord
	if err := json.Unmarshal(line, &saved, asLines); err != nil {
		return err
	}
	if saved.Message == nil || *saved.Message != j.length {
		return errors.New("not the message that comes next")
	}
	return j.restore(&saved)
}

func (j *Journal) restore(saved *savedRecord) error {
	m, err := message.New(saved.Src, saved.Dest, saved.Body)
	if err != nil {
		return err
	}
	of := j.length
	if saved.Of != nil {
		if of = *saved.Of; of < 0 || of >= j.length {
			return errors.New("a duplicate of a message that does not come before it")
		}
	}
	block, start := j.keep(m.Body)
	j.append(row{
		sent: time.Duration(saved.Sent), done: time.Duration(saved.Done),
		id: m.ID, inReplyTo: m.InReplyTo,
		src: j.names.of(m.Src), dest: j.names.of(m.Dest), typ: j.names.ofType(m.Type),
		block: block, start: start, size: uint32(len(m.Body)), of: uint32(of),
		sentStep: saved.Step, doneStep: saved.DoneStep, life: uint16(saved.Life), fate: saved.Fate, forged: saved.Forged,
	})
	j.steps = max(j.steps, saved.Step, saved.DoneStep)
	return nil
}

// checkSteps makes sure that no damaged file makes us allocate much.
func (j *Journal) checkSteps() error {
	if int(j.steps) > 2*j.length+len(j.events) {
		return errors.New("journal: steps are missing")
	}
	return nil
}

package report

import (
	"bufio"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
)

// writeJournal writes every message and every fault, one a line, in the order
// in which they were sent and happened. Times are in nanoseconds.
func writeJournal(w *bufio.Writer, j *sim.Journal) error {
	events := j.Events()
	next := 0
	var b []byte
	for r := range j.All() {
		for next < len(events) && events[next].Step < r.SentStep {
			if err := writeEvent(w, &events[next]); err != nil {
				return err
			}
			next++
		}
		b = appendRecord(b[:0], &r)
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	for ; next < len(events); next++ {
		if err := writeEvent(w, &events[next]); err != nil {
			return err
		}
	}
	return nil
}

func writeEvent(w *bufio.Writer, e *sim.Event) error {
	line, err := json.Marshal(e, jsonv1.FormatDurationAsNano(true))
	if err != nil {
		return err
	}
	w.Write(line)
	return w.WriteByte('\n')
}

func appendRecord(b []byte, r *sim.Record) []byte {
	b = appendNumber(append(b, '{'), `"id":`, int64(r.Index))
	if r.IsDuplicate() {
		b = appendNumber(b, `,"of":`, int64(r.Of))
	}
	b = appendNumber(b, `,"sent":`, int64(r.Sent))
	b = append(append(append(b, `,"fate":"`...), r.Fate.String()...), '"')
	if r.Fate != sim.InFlight {
		b = appendNumber(b, `,"done":`, int64(r.Done/time.Nanosecond))
	}
	if r.Life > 0 {
		b = appendNumber(b, `,"life":`, int64(r.Life))
	}
	b = appendText(append(b, `,"src":`...), r.Src)
	b = appendText(append(b, `,"dest":`...), r.Dest)
	b = append(append(b, `,"body":`...), r.Body...)
	return append(b, "}\n"...)
}

func appendNumber(b []byte, name string, n int64) []byte {
	return strconv.AppendInt(append(b, name...), n, 10)
}

func appendText(b []byte, text string) []byte {
	quoted, err := jsontext.AppendQuote(b, text)
	if err != nil {
		return strconv.AppendQuote(b, text)
	}
	return quoted
}

package eddy_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy"
)

// FuzzNode sends arbitrary bytes to a node, in arbitrary pieces. The node must not end. It
// must reply to the good line after them, write only valid messages, number them without a
// gap, reply to every request once, and never reply to a message with an in_reply_to.
func FuzzNode(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed, []byte{}, true)
		f.Add(seed, []byte{0, 6}, true)
		f.Add(seed, []byte{63}, false)
	}
	f.Fuzz(func(t *testing.T, data, pieces []byte, initialised bool) {
		synctest.Test(t, func(t *testing.T) { fuzzNode(t, data, pieces, initialised) })
	})
}

func fuzzNode(t *testing.T, data, pieces []byte, initialised bool) {
	p := newPipe()
	n := &eddy.Node{
		MaxLine: maxBadLine,
		Drain:   1000 * time.Hour, // longer than any handler runs
		Log:     slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	handlers(n)
	var input bytes.Buffer
	if initialised {
		input.WriteString(`{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}` + "\n")
	}
	input.Write(data)
	input.WriteString("\n" + `{"src":"the good line","dest":"n1","body":{"type":"echo","msg_id":1}}` + "\n")
	wanted := expectations(input.Bytes())

	go func() {
		defer p.eof()
		rest := input.Bytes()
		for i := 0; len(rest) > 0; i++ {
			size := len(rest)
			if len(pieces) > 0 {
				size = min(size, int(pieces[i%len(pieces)])+1)
			}
			p.arrive(rest[:size])
			rest = rest[size:]
		}
	}()
	if err := n.Serve(t.Context(), p); err != nil {
		t.Errorf("Serve: %v", err)
	}

	next := int64(0)
	p.lines(func(_ time.Duration, line string) {
		m, err := judge(line)
		switch {
		case err != nil:
			t.Errorf("wrote %q: %v", line, err)
			return
		case initialised && m.Src != "n1":
			t.Errorf("wrote %q with a wrong src", line)
		case m.Body.ID != nil && *m.Body.ID != next:
			t.Errorf("wrote %q, want msg_id %d", line, next)
		}
		if m.Body.ID != nil {
			next++
		}
		if m.Body.InReplyTo != nil {
			wanted.replied(request{m.Dest, *m.Body.InReplyTo})
		}
	})
	wanted.check(t)
}

// A request is known by its sender and its msg_id.
type request struct {
	src string
	id  int64
}

// expected says what must get a reply and what may get one.
type expected struct {
	must    map[request]int // certainly requests
	may     int             // lines that may get an error reply
	replies map[request]int
}

// expectations reads the input of a node with another JSON library.
func expectations(input []byte) *expected {
	e := &expected{must: map[request]int{}, replies: map[request]int{}}
	for line := range bytes.SplitSeq(input, []byte("\n")) {
		switch r, kind := classify(line); kind {
		case isRequest:
			e.must[r]++
		case isUnclear:
			e.may++
		}
	}
	return e
}

func (e *expected) replied(r request) { e.replies[r]++ }

func (e *expected) check(t *testing.T) {
	extra := 0
	for r, n := range e.must {
		if e.replies[r] < n {
			t.Errorf("%d requests %+v, %d replies", n, r, e.replies[r])
		}
	}
	for r, n := range e.replies {
		extra += n - e.must[r]
	}
	if extra > e.may {
		t.Errorf("%d replies to lines that are no requests; at most %d may get one", extra, e.may)
	}
}

type kind int

const (
	isUnclear kind = iota
	isRequest
	isNoRequest // one-way, or a reply
)

var integer = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)

// classify says what a line is, if that is certain.
func classify(line []byte) (request, kind) {
	var m struct {
		Src  string `json:"src"`
		Dest string `json:"dest"`
		Body struct {
			Type      jsontext.Value `json:"type"`
			ID        jsontext.Value `json:"msg_id"`
			InReplyTo jsontext.Value `json:"in_reply_to"`
			Deadline  jsontext.Value `json:"deadline_ms"`
		} `json:"body"`
	}
	deep := bytes.Count(line, []byte("[")) + bytes.Count(line, []byte("{"))
	if len(line) > maxBadLine || deep > 900 || json.Unmarshal(line, &m) != nil {
		return request{}, isUnclear
	}
	switch {
	case m.Body.InReplyTo != nil:
		return request{}, isNoRequest
	case m.Src == "" || m.Dest == "" || m.Body.Type.Kind() != '"':
		return request{}, isUnclear
	case m.Body.ID == nil:
		return request{}, isNoRequest
	}
	id, err := strconv.ParseInt(string(m.Body.ID), 10, 64)
	if err != nil || !integer.Match(m.Body.ID) {
		return request{}, isNoRequest // nobody can reply to an invalid msg_id
	}
	if m.Body.Deadline != nil {
		return request{}, isUnclear // it may expire
	}
	return request{m.Src, id}, isRequest
}

// strange are good messages that make handlers do strange things.
var strange = []string{
	`{"type":"ask","msg_id":1}`,
	`{"type":"ask","msg_id":1,"to":"","body":{"type":"read"}}`,
	`{"type":"tell","msg_id":1,"to":"","body":{"type":"read"}}`,
	`{"type":"ask-later","msg_id":1,"to":"","body":{"type":"read"}}`,
	`{"type":"ask-later","msg_id":1,"to":"\ud800","body":{"type":"\ud800"}}`,
	`{"type":"ask","msg_id":1,"to":"n1","body":{"type":"echo","in_reply_to":1}}`,
	`{"type":"ask","msg_id":1,"to":"n2","body":{"type":""},"attempts":-1,"timeout_ms":-1}`,
	`{"type":"race","msg_id":1,"to":["n2","n2",3],"body":{"type":"read"}}`,
	`{"type":"race","msg_id":1,"to":[],"body":{"type":"read"}}`,
	`{"type":"fail","msg_id":1,"code":-9223372036854775808,"text":"\u0000\ud800\n"}`,
	`{"type":"fail","msg_id":1,"code":1e400,"text":7}`,
	`{"type":"hurry","msg_id":1,"to":"n2","body":{"type":"read"},"ms":0}`,
	`{"type":"slow","msg_id":1,"ms":9223372036854775807}`,
	`{"type":"tell","to":"n2","body":{"type":"error","code":"x","in_reply_to":3}}`,
}

// seeds returns the bad lines, the lines of every transcript, and the strange ones.
func seeds(f *testing.F) (all [][]byte) {
	text, err := os.ReadFile("testdata/badlines.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, part := range strings.Split(string(text), "\nline\n")[1:] {
		line, _, _ := strings.Cut(part, "----\n")
		seed, err := expand(strings.TrimSuffix(line, "\n"))
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, seed)
	}
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var seed []byte
		for part := range strings.SplitSeq(string(text), "\nin\n") {
			lines, _, _ := strings.Cut(part, "----\n")
			if strings.HasPrefix(lines, "{") {
				seed = append(seed, lines...)
			}
		}
		all = append(all, seed)
	}
	for _, body := range strange {
		all = append(all, fmt.Appendf(nil, `{"src":"c1","dest":"n1","body":%s}`, body))
	}
	if len(all) < 200 {
		f.Fatalf("only %d seeds", len(all))
	}
	return all
}

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	diff "github.com/google/go-cmp/cmp"

	"github.com/eddyrpc/eddy/internal/doctest"
)

// The languages that have a library in the directory nodes.
var languages = []struct{ name, interpreter, ext string }{
	{"python", "python3", "py"}, {"javascript", "node", "js"}, {"ruby", "ruby", "rb"},
}

// eachLanguage runs a test for each language that is installed. .ci/run needs all of them.
func eachLanguage(t *testing.T, f func(t *testing.T, interpreter, dir, ext string)) {
	for _, l := range languages {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(l.interpreter); err != nil {
				if os.Getenv("EDDY_NEEDS_LANGUAGES") != "" {
					t.Fatal(err)
				}
				t.Skipf("NOT TESTED: %v", err)
			}
			f(t, l.interpreter, "../../nodes/"+l.name, l.ext)
		})
	}
}

// The relays give the output of the samples of cmd/relay, without its blanks, and then end.
// Nobody replies to the call, so its three attempts take the time that they wait.
func TestLanguageSamples(t *testing.T) {
	eachLanguage(t, func(t *testing.T, interpreter, dir, ext string) {
		for _, sample := range []struct{ name, rest string }{{"echo", ""}, {"relay", `{"src":"n1","dest":"n2","body":{"type":"read","msg_id":2}}
{"src":"n1","dest":"n2","body":{"type":"read","msg_id":3}}
{"src":"n1","dest":"c1","body":{"type":"error","code":0,"text":"RPC failed after 3 attempts","in_reply_to":2,"msg_id":4}}
`}} {
			in, err := os.ReadFile("../relay/testdata/" + sample.name + ".in")
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile("../relay/testdata/" + sample.name + ".out")
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(interpreter, dir+"/relay."+ext)
			cmd.Stdin = bytes.NewReader(in)
			start := time.Now()
			out, err := cmd.Output()
			if err != nil {
				t.Errorf("%s: %v", sample.name, err)
			}
			compact := strings.NewReplacer(": ", ":", ", ", ",").Replace(string(want)) + sample.rest
			if d := diff.Diff(compact, string(out)); d != "" {
				t.Errorf("%s (-want +got)\n%s", sample.name, d)
			}
			if took := time.Since(start); sample.rest != "" && took < 1500*time.Millisecond {
				t.Errorf("three attempts took %v", took)
			}
		}
	})
}

// languageTranscripts are the transcripts of package eddy that hold for the libraries in
// other languages too. The others are about what these do not have: policies, inline
// handlers, callbacks, signals, counters, and JSON that is passed on byte for byte.
var languageTranscripts = []string{
	"bad-input-before-init", "bad-input", "calls-after-the-end", "calls-definite", "calls-error-code-zero",
	"calls-error-reply", "calls-error-while-another-waits", "calls-late-reply-settles", "calls-own-ids-replaced",
	"calls-retry", "calls-stranger", "calls-timeout-then-an-error", "calls-timeouts",
	"end-at-rest", "end-drains", "order-replies", "requests-bad-init", "requests-before-init",
	"requests-init-again", "requests-no-object", "requests-one-way", "requests-repeated", "requests-replies",
	"requests-replies-get-no-reply", "requests-unknown-type", "wire-blanks", "wire-envelope-keys",
	"wire-largest-id", "wire-names", "wire-one-counter", "wire-type-first",
}

// The libraries write what the transcripts of package eddy show, and those of KV.update. Handlers run at the same
// time, so the lines of a block may come in any order, and ids may be others. Time is
// real: an attempt waits for three seconds, so that a slow machine changes nothing.
func TestLanguageTranscripts(t *testing.T) {
	eachLanguage(t, func(t *testing.T, interpreter, dir, ext string) {
		files := []string{"testdata/languages/kv.txt"}
		for _, name := range languageTranscripts {
			files = append(files, "../../testdata/transcripts/"+name+".txt")
		}
		for _, file := range files {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
				t.Parallel()
				var s *languageStage
				defer func() { s.end(t) }()
				datadriven.RunTest(t, file, func(t *testing.T, d *datadriven.TestData) string {
					if d.Cmd == "node" {
						s.end(t)
						s = startLanguage(t, interpreter, ext, !d.HasArg("bare"))
					} else {
						s.play(t, d)
					}
					return d.Expected
				})
			})
		}
	})
}

// A languageStage is a node in another language, in a process.
type languageStage struct {
	cmd    *exec.Cmd
	input  io.WriteCloser
	output chan string
	log    bytes.Buffer
	logged []string       // what the log must have, each once
	ids    map[string]int // the id of a request in the transcript -> the id that the node gave it
	open   bool           // the input
}

func startLanguage(t *testing.T, interpreter, ext string, initialise bool) *languageStage {
	t.Helper()
	s := &languageStage{output: make(chan string, 1000), ids: map[string]int{}, open: true}
	s.cmd = exec.Command(interpreter, "testdata/languages/stage."+ext, "3")
	s.cmd.Stderr = &s.log
	var err error
	if s.input, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	output, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.output)
		lines := bufio.NewReader(output)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			s.output <- line
		}
	}()
	if initialise {
		s.send(t, `{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]}}`+"\n")
		s.next(t)
	}
	return s
}

var calledByNode = regexp.MustCompile(`"src":"(?:n2|lin-kv|seq-kv)"`)

var inReplyTo = regexp.MustCompile(`"in_reply_to":(\d+)`)

// send sends text. A reply to a request of the node gets the id that the node gave it.
func (s *languageStage) send(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(s.input, s.translate(text)); err != nil {
		t.Fatal(err)
	}
}

func (s *languageStage) translate(text string) string {
	fromCallee := calledByNode.MatchString(text)
	if !fromCallee && !strings.Contains(text, `"reply":{`) {
		return text
	}
	first := true
	return inReplyTo.ReplaceAllStringFunc(text, func(field string) string {
		if id, ok := s.ids[field[len(`"in_reply_to":`):]]; ok && (first || fromCallee) {
			first = false // of a reply that is passed on; the second is that of the message
			return fmt.Sprintf(`"in_reply_to":%d`, id)
		}
		return field
	})
}

// next returns the next line of the node.
func (s *languageStage) next(t *testing.T) string {
	t.Helper()
	select {
	case line, ok := <-s.output:
		if !ok {
			s.cmd.Wait()
			t.Fatalf("the node has ended\n%s", s.log.String())
		}
		return line
	case <-time.After(4 * time.Minute):
		t.Fatal("the node writes nothing")
	}
	return ""
}

var clock = regexp.MustCompile(`(?m)^\d+(?:\.\d+)?m?s `)

func (s *languageStage) play(t *testing.T, d *datadriven.TestData) {
	switch d.Cmd {
	case "in", "each":
		s.send(t, d.Input+"\n")
	case "unfinished":
		s.send(t, d.Input)
	case "eof":
		s.input.Close()
		s.open = false
	case "log":
		for _, m := range regexp.MustCompile(`msg="bad line" line=(\d+)`).FindAllStringSubmatch(d.Expected, -1) {
			s.logged = append(s.logged, "bad line "+m[1]+":")
		}
	}
	if !slices.Contains([]string{"in", "each", "eof", "wait"}, d.Cmd) {
		return
	}
	var want, got []string
	var requests []languageMessage
	for line := range strings.Lines(clock.ReplaceAllString(d.Expected, "")) {
		if !strings.HasPrefix(line, "{") {
			continue // the node has ended: end waits for it
		}
		want = append(want, likeness(t, line))
		requests = append(requests, readLine(t, line))
	}
	for range want {
		line := s.next(t)
		got = append(got, likeness(t, line))
		s.learn(requests, readLine(t, line))
	}
	for i, line := range want {
		want[i] = s.translate(line)
	}
	slices.Sort(want)
	slices.Sort(got)
	if d2 := diff.Diff(want, got); d2 != "" {
		d.Fatalf(t, "(-want +got)\n%s", d2)
	}
}

// A languageMessage is what the tests read of a line of a node.
type languageMessage struct {
	Dest string
	Body map[string]any
}

func readLine(t *testing.T, line string) (m languageMessage) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.UseNumber()
	if err := decoder.Decode(&m); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return m
}

// learn enters the id of a request of the node that the transcript has with another id.
func (s *languageStage) learn(requests []languageMessage, got languageMessage) {
	if got.Body["in_reply_to"] != nil || got.Body["msg_id"] == nil {
		return
	}
	for _, m := range requests {
		known := fmt.Sprint(m.Body["msg_id"])
		if _, taken := s.ids[known]; !taken && m.Dest == got.Dest && m.Body["type"] == got.Body["type"] && m.Body["in_reply_to"] == nil {
			var id int
			fmt.Sscan(fmt.Sprint(got.Body["msg_id"]), &id)
			s.ids[known] = id
			return
		}
	}
}

var random = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

var codeName = regexp.MustCompile(` \([^)]*\)$`)

// likeness returns a line without what may differ: the id, the texts of errors that the node
// itself finds, the name of a code, and whether a number is 1.0 or 1.
// A random text becomes RANDOM.
func likeness(t *testing.T, line string) string {
	t.Helper()
	m := readLine(t, line)
	delete(m.Body, "msg_id")
	delete(m.Body, "details")
	for _, field := range []string{"text", "error"} {
		if text, ok := m.Body[field].(string); ok {
			m.Body[field] = codeName.ReplaceAllString(strings.ReplaceAll(text, "an error reply without a code: ", ""), "")
		}
	}
	if code := fmt.Sprint(m.Body["code"]); code == "12" || code == "13" {
		delete(m.Body, "text")
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return random.ReplaceAllString(strings.ReplaceAll(string(text), "1.0,", "1,"), "RANDOM")
}

// end ends the node, which writes nothing more but for the calls that are still open. s may be nil.
func (s *languageStage) end(t *testing.T) {
	t.Helper()
	if s == nil {
		return
	}
	if s.open {
		s.input.Close()
	}
	for line := range s.output {
		m := readLine(t, line)
		if m.Body["in_reply_to"] != nil && fmt.Sprint(m.Body["code"]) != "0" {
			t.Errorf("the node also wrote %s", line)
		}
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, s.log.String())
	}
	for _, text := range s.logged {
		if count := strings.Count(s.log.String(), text); count != 1 {
			t.Errorf("%q is %d times in the log\n%s", text, count, s.log.String())
		}
	}
}

// The programs in docs/exercise.md are those in the directory nodes.
func TestExercisePrograms(t *testing.T) {
	for _, l := range languages {
		names := []string{"relay"}
		if l.name == "python" {
			names = []string{"skeleton", "relay"}
		}
		shown := doctest.Of(t, "../../docs/exercise.md", l.name)
		for i, name := range names {
			text, err := os.ReadFile("../../nodes/" + l.name + "/" + name + "." + l.ext)
			if err != nil {
				t.Fatal(err)
			}
			if d := diff.Diff(string(text), shown[i]); d != "" {
				t.Errorf("%s.%s (-file +document)\n%s", name, l.ext, d)
			}
		}
	}
}

// The example nodes and the libraries are executable, or not, as they are used.
func TestLanguageFiles(t *testing.T) {
	for _, l := range languages {
		paths, err := filepath.Glob("../../nodes/" + l.name + "/*." + l.ext)
		if err != nil || len(paths) < 6 {
			t.Fatalf("%d files: %v", len(paths), err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			library := filepath.Base(path) == "eddy."+l.ext
			if script := bytes.HasPrefix(text, []byte("#!/usr/bin/env "+l.interpreter)); script == library {
				t.Errorf("%s: it names its interpreter: %v", path, script)
			}
			if lines := bytes.Count(text, []byte("\n")); library && lines > 400 {
				t.Errorf("%s has %d lines", path, lines)
			}
		}
	}
}

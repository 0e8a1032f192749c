package eddytest_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/healthy"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/workload"
)

// A lineSchema is the schema of the lines of a file, and which of its fields were seen.
type lineSchema struct {
	*jsonschema.Schema
	seen map[string]bool
}

func schemaOf(t *testing.T, file string) lineSchema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile("../docs/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return lineSchema{s, map[string]bool{}}
}

// validate validates each line of a file.
func (s lineSchema) validate(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err == nil {
			err = s.Validate(v)
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, line)
		}
		s.note(v)
	}
}

// note notes the names of a value's fields.
func (s lineSchema) note(v any) {
	for name, value := range v.(map[string]any) {
		s.seen[name] = true
		if name == "begun" {
			s.note(value)
		}
	}
}

// everyFault are tests that together write all fields.
var everyFault = []eddytest.Test{
	{Latency: "exponential:5ms", Loss: 0.1, Duplicate: 0.1, ClientLatency: "exponential:20ms", ClientLoss: 0.05, Nemesis: "partition,flaky"},
	{Nemesis: "kill,slow,clog"},
}

// The files of tests of all workloads, with faults, are as their schemas say.
func TestFilesHaveSchemas(t *testing.T) {
	slowWithRaces(t)
	history, journal := schemaOf(t, "history.schema.json"), schemaOf(t, "journal.schema.json")
	for _, spec := range workload.Specs {
		for _, test := range everyFault {
			test.Workload, test.Nodes, test.Concurrency, test.Rate, test.Time = spec.Name, 3, 9, 40, 2*time.Second
			test.CallTimeout, test.NemesisInterval = healthy.CallTimeout, 300*time.Millisecond
			test.ClientTimeout = 300 * time.Millisecond
			dir := eddytest.Store(t, virtually(nodeFor(t, spec.Name)), test, 1, copying.change)
			history.validate(t, filepath.Join(dir, "history.jsonl"))
			journal.validate(t, filepath.Join(dir, "journal.jsonl"))
		}
	}
	for name := range history.Properties {
		if !history.seen[name] {
			t.Errorf("no test has written %s to history.jsonl", name)
		}
	}
	for _, part := range []*jsonschema.Schema{journal.Then.Ref, journal.Else.Ref, journal.Then.Ref.Properties["begun"].Ref} {
		for name := range part.Properties {
			if !journal.seen[name] && name != "servers" { // of NATS
				t.Errorf("no test has written %s to journal.jsonl", name)
			}
		}
	}
}

// nodeFor returns a correct node for a workload.
func nodeFor(t *testing.T, workload string) func(*program.Process) {
	t.Helper()
	switch workload {
	case "g-set", "g-counter", "pn-counter":
		return func(p *program.Process) { testnode.Replicas["gossips"](p, workload == "g-set") }
	case "kafka":
		return testnode.Logs("disk")
	case "txn-list-append", "txn-rw-register":
		return txnNode("plain", workload == "txn-rw-register")
	}
	for _, name := range slices.Sorted(maps.Keys(healthy.Nodes)) {
		if n := healthy.Nodes[name]; n.Workload == workload && n.Run != nil && !n.OnlyProcess {
			return n.Run
		}
	}
	t.Fatalf("there is no node for workload %s", workload)
	return nil
}

// The schemas refuse lines that are not as they say.
func TestSchemasRefuse(t *testing.T) {
	op := `{"process":1,"client":"c1","node":"n0","msg_id":4,"type":"ok","f":"write","key":0,"value":7,"from":2,"to":3}`
	message := `{"message":0,"src":"c1","dest":"n0","sent_ns":1,"step":0,"fate":"delivered","done_ns":2,"done_step":1,"body":{}}`
	begin := `{"at_ns":1,"step":2,"event":"begin","fault":1,"begun":{"kind":"slow","nodes":["n0"],"links":["n0>n1"]}}`
	for _, c := range []struct {
		file, line string
		changes    []string // old and new text, alternately
	}{
		{"history", op, []string{`"key":0,`, ``, `"ok"`, `"info"`, `"to":3`, `"to":-1`, `"to":3`, `"to":3,"final":false`, `"ok"`, `"fail"`, `"to":3`, `"to":3,"more":1`, `"from":2`, `"from":2.5`, `"ok"`, `"open"`, `"to":3`, `"to":3,"error":"x"`}},
		{"journal", message, []string{`"delivered"`, `"gone"`, `"delivered"`, `"in-flight"`, `,"done_ns":2,"done_step":1`, ``, `{}`, `[]`, `"step":0`, `"step":0,"forged":false`, `"src":"c1",`, ``}},
		{"journal", begin, []string{`"begin"`, `"end"`, `"begin"`, `"started"`, `"begin"`, `"stopped"`, `"fault":1,`, ``, `"slow"`, `"slower"`, `"n0>n1"`, `"n0"`, `"nodes"`, `"node"`}},
	} {
		s := schemaOf(t, c.file+".schema.json")
		accepts := func(line string) bool {
			v, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
			if err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			return s.Validate(v) == nil
		}
		if !accepts(c.line) {
			t.Errorf("%s: the schema refuses %s", c.file, c.line)
		}
		for change := range slices.Chunk(c.changes, 2) {
			if line := strings.Replace(c.line, change[0], change[1], 1); line == c.line || accepts(line) {
				t.Errorf("%s: the schema accepts %s", c.file, line)
			}
		}
	}
}

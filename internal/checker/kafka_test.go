package checker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/history"
)

// logs parses a history of logs, one operation per line, with times in milliseconds
// and the client, whose number is the process:
//
//	0-5 c1 n1 send 7:3 1000            message 3 of key 7 got offset 1000
//	6-7 c2 n2 poll {"7":0} {"7":[[1000,3]]}
//	8-9 c2 n2 commit {"7":1000} ok
//	8-9 c2 n2 list ["7"] {"7":1000}
//
// The result may be fail, or indefinite, or it may be followed by late, again or final.
func logs(t testing.TB, script string) (ops []history.Op) {
	t.Helper()
	for line := range strings.Lines(script) {
		word := strings.Fields(line)
		op := history.Op{Client: word[1], Node: word[2], MsgID: int64(len(ops)), Outcome: history.OK}
		if n, err := fmt.Sscanf(word[0], "%d-%d", &op.From, &op.To); n != 2 {
			t.Fatalf("%q: %v", line, err)
		}
		op.From, op.To = op.From*time.Millisecond, op.To*time.Millisecond
		op.Process, _ = strconv.Atoi(word[1][1:])
		op.F, op.Value = word[3], jsontext.Value(word[4])
		switch op.F {
		case "send":
			key, message, _ := strings.Cut(word[4], ":")
			op.Key, _ = strconv.ParseInt(key, 10, 64)
			op.Value = jsontext.Value(message)
		case "commit":
			op.F = "commit_offsets"
		case "list":
			op.F = "list_committed_offsets"
		}
		switch word[5] {
		case "ok":
		case "fail":
			op.Outcome, op.Error = history.Fail, "error 11: busy"
		case "indefinite":
			op.Outcome = history.Indefinite
		default:
			op.Result = jsontext.Value(word[5])
		}
		for _, more := range word[6:] {
			switch more {
			case "final":
				op.Final = true
			case "late":
				op.GaveUp = op.To - 1
			case "again":
				op.Again = true
			}
		}
		ops = append(ops, op)
	}
	return ops
}

// Each anomaly has a history with it and a similar one without it.
func TestKafka(t *testing.T) {
	datadriven.RunTest(t, "testdata/kafka", func(t *testing.T, d *datadriven.TestData) string {
		nodes := []string{"n1"}
		if d.HasArg("nodes") {
			nodes = []string{"n1", "n2"}
		}
		problems, numbers := Kafka(history.Of(logs(t, d.Input)...), nodes)
		if !d.HasArg("numbers") {
			numbers = nil
		}
		return report(problems, numbers)
	})
}

// Every check of the table has a history that it names.
func TestKafkaChecks(t *testing.T) {
	found := map[string]bool{}
	datadriven.RunTest(t, "testdata/kafka", func(t *testing.T, d *datadriven.TestData) string {
		problems, _ := Kafka(history.Of(logs(t, d.Input)...), []string{"n1"})
		for _, p := range problems {
			found[p.Check] = true
		}
		return d.Expected
	})
	for _, c := range KafkaChecks {
		if !found[c.Name] {
			t.Errorf("no history shows %s", c.Name)
		}
		delete(found, c.Name)
	}
	if len(found) > 0 {
		t.Errorf("the table lacks %v", found)
	}
}

func TestParsePolled(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "[]",
		` { "7" : [ [ 1 , -2 ] , [3,4] ] , "8":[ ] } `: "[{7 [{1 -2} {3 4}]} {8 []}]",
		`{"7":[[9223372036854775806,1]]}`:              "[{7 [{9223372036854775806 1}]}]",
		`{"7":[[9223372036854775807,1]]}`:              "error",
		`{"7":[[-1,1]]}`:                               "error",
		`{"7":[[1,"1"]]}`:                              "error",
		`{"7":[[1.0,1e3]]}`:                            "[{7 [{1 1000}]}]",
		`{"7":[[1.5,1]]}`:                              "error",
		`{"7":[[1,1-]]}`:                               "error",
		`{"7":[[1]]}`:                                  "error",
		`{"7":[[1,2,3]]}`:                              "error",
		`{"7":[1,2]}`:                                  "error",
		`{"7":[[1,2],]}`:                               "error",
		`{"7":[[1,2]}`:                                 "error",
		`{"7":{}}`:                                     "error",
		`{"7":null}`:                                   "error",
		`{"seven":[]}`:                                 "error",
		`[]`:                                           "error",
		`null`:                                         "error",
	} {
		all, err := ParsePolled(jsontext.Value(text))
		got := fmt.Sprint(all)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: %s, want %s (%v)", text, got, want, err)
		}
	}
}

func TestParseOffsets(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "[]", `{"9":0,"7":1000000000000000}`: "[{7 1000000000000000} {9 0}]",
		`{"7":-1}`: "error", `{"7":1.5}`: "error", `{"7":"1"}`: "error", `{"7":null}`: "error", `[]`: "error", `{"x":1}`: "error",
	} {
		all, err := ParseOffsets(jsontext.Value(text))
		got := fmt.Sprint(all)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// checkNames returns the names of the checks of problems, sorted.
func checkNames(problems []Problem) (names []string) {
	for _, p := range problems {
		if !slices.Contains(names, p.Check) {
			names = append(names, p.Check)
		}
	}
	slices.Sort(names)
	return names
}

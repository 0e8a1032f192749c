package main

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/sim"
)

// docs/files.md has each field that is written to history.jsonl and of events, and no other.
func TestFilesInDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/files.md")
	if err != nil {
		t.Fatal(err)
	}
	ofHistory, ofJournal, _ := strings.Cut(string(text), "## journal.jsonl")
	_, ofEvents, _ := strings.Cut(ofJournal, "| field of an event")
	for part, typ := range map[string]reflect.Type{ofHistory: reflect.TypeFor[history.Op](), ofEvents: reflect.TypeFor[sim.Event]()} {
		documented := map[string]bool{}
		for _, row := range regexp.MustCompile(`(?m)^\| (\x60[^|]*) \|`).FindAllStringSubmatch(part, -1) {
			for _, name := range strings.Split(row[1], ", ") {
				documented[strings.Trim(name, "`")] = true
			}
		}
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if !documented[name] {
				t.Errorf("%v: the document lacks %s", typ, name)
			}
			delete(documented, name)
		}
		for name := range documented {
			t.Errorf("%v: there is no field %s", typ, name)
		}
	}
}

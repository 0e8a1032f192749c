package eddy

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/eddyrpc/eddy"

// floors lists the packages of this module that each package may import. Every package must be
// listed here.
var floors = map[string][]string{
	"internal/nearest":     {},
	"retry":                {"internal/nearest"},
	"internal/quantile":    {},
	"internal/schedule":    {"retry", "internal/quantile"},
	"internal/policytest":  {"retry"}, // for tests
	"internal/wire":        {},
	"internal/golden":      {}, // for tests
	"internal/bounded":     {},
	"watch":                {"retry", "internal/schedule"},
	"internal/periodic":    {},
	"internal/rounds":      {"retry", "internal/schedule", "internal/metadata"},
	"internal/observer":    {"internal/schedule", "internal/wire", "watch"},
	"internal/calls":       {"retry", "internal/schedule", "internal/bounded", "internal/observer", "watch"},
	"internal/outbox":      {"internal/wire"},
	"internal/body":        {"internal/bounded"},
	"internal/stdio":       {},
	"internal/workers":     {},
	"internal/official":    {},
	"internal/caller":      {"internal/schedule", "internal/calls", "internal/outbox", "watch"},
	"internal/metadata":    {"retry", "internal/schedule", "internal/wire"},
	"internal/nodelog":     {"internal/bounded", "watch"},
	"internal/identity":    {"internal/wire"},
	"internal/dedup":       {"internal/check"},
	"internal/check":       {},
	"internal/batcher":     {},
	"internal/logqueue":    {},
	"":                     {"retry", "internal/nearest", "watch", "internal/observer", "internal/periodic", "internal/rounds", "internal/schedule", "internal/wire", "internal/calls", "internal/outbox", "internal/body", "internal/stdio", "internal/workers", "internal/official", "internal/caller", "internal/metadata", "internal/nodelog", "internal/batcher", "internal/check", "internal/identity", "internal/dedup", "internal/bounded", "internal/logqueue", "internal/quantile"},
	"internal/canonical":   {},
	"internal/message":     {},
	"internal/service":     {"internal/canonical", "internal/message"},
	"eddytest":             {"", "internal/report", "retry", "internal/message", "internal/service", "internal/checker", "internal/history", "internal/quote", "internal/sim", "internal/shrink", "internal/story", "internal/trial", "internal/txn", "internal/virtual", "internal/workload"},
	"maelstrom":            {"", "watch", "internal/official", "internal/bounded"},
	"internal/longtest":    {},                    // for tests
	"internal/samerun":     {"internal/longtest"}, // for tests
	"internal/txn":         {},
	"internal/doctest":     {"internal/longtest"}, // for tests
	"natsnet":              {"internal/bounded", "internal/wire"},
	"internal/natsprocess": {},
	"metrics":              {"", "watch", "internal/bounded", "internal/figures"},
	"otel":                 {"", "watch", "internal/figures"},
	"internal/figures":     {"", "watch", "internal/bounded"},

	"cmd/relay":      {""},
	"examples/first": {""},
	"examples/nats":  {"", "natsnet"},

	"examples/internal/challenge": {"", "eddytest", "internal/golden"},
	"examples/echo":               {""},
	"examples/unique-ids":         {""},
	"examples/broadcast":          {"", "retry"},
	"examples/broadcast-batched":  {""},
	"examples/g-counter":          {""},
	"examples/kafka":              {""},
	"examples/txn-rw-register":    {""},
	"examples/txn-list-append":    {""},
	"examples/txn-snapshot":       {""},
	"examples/raft-lin-kv":        {""},

	"internal/history":             {"internal/names"},
	"internal/eventqueue":          {},
	"internal/quote":               {},
	"internal/csp":                 {},
	"internal/names":               {},
	"internal/sim":                 {"internal/names", "internal/eventqueue", "internal/canonical", "internal/message"},
	"internal/spread":              {"internal/message", "internal/sim"},
	"internal/checker":             {"internal/spread", "internal/quote", "internal/quantile", "internal/canonical", "internal/history", "internal/sim", "internal/message", "internal/txn"},
	"cmd/eddy/internal/cluster":    {},
	"internal/workload":            {"retry", "internal/spread", "internal/sim", "internal/history", "internal/checker", "internal/canonical", "internal/message", "internal/txn"},
	"internal/virtual":             {"internal/trial"},
	"internal/trial":               {"retry", "internal/schedule", "internal/quote", "internal/eventqueue", "internal/sim", "internal/history", "internal/checker", "internal/canonical", "internal/message", "internal/workload", "internal/service"},
	"internal/trialtest":           {"internal/eventqueue", "internal/message", "internal/trial"}, // for tests
	"internal/shrink":              {"internal/sim", "internal/trial"},
	"internal/story":               {"internal/quote", "internal/sim", "internal/history", "internal/message"},
	"cmd/eddy/internal/wasm":       {},
	"cmd/eddy/internal/wasmrunner": {"internal/quote", "internal/trial", "internal/virtual", "cmd/eddy/internal/runner", "cmd/eddy/internal/wasm"},
	"cmd/eddy/internal/hunt":       {"internal/checker", "internal/shrink", "internal/trial", "cmd/eddy/internal/runner"},
	"cmd/eddy/internal/runner":     {"internal/quote", "internal/sim", "internal/trial", "cmd/eddy/internal/cluster"},
	"internal/grouping":            {"internal/message", "internal/sim"},
	"internal/export":              {"internal/grouping", "internal/history", "internal/message", "internal/sim"},
	"internal/page":                {"internal/grouping", "internal/quantile", "internal/csp", "internal/story", "internal/names", "internal/quote", "internal/sim", "internal/history", "internal/message"},
	"internal/report":              {"internal/quote", "internal/story", "internal/quantile", "internal/page", "internal/sim", "internal/spread", "internal/history", "internal/checker", "internal/workload", "internal/trial", "internal/message"},
	"cmd/eddy/internal/serve":      {"internal/csp", "internal/quote", "internal/report"},
	"cmd/eddy": {"internal/export", "internal/nearest", "internal/quote", "internal/quantile", "internal/page", "cmd/eddy/internal/serve", "cmd/eddy/internal/cluster", "cmd/eddy/internal/shorthand", "cmd/eddy/internal/talk", "internal/sim", "internal/history", "internal/checker", "internal/workload", "internal/trial", "cmd/eddy/internal/runner", "cmd/eddy/internal/wasmrunner", "cmd/eddy/internal/hunt", "internal/shrink", "internal/story", "internal/report", "cmd/eddy/internal/plan", "retry", "internal/txn",
		// eddy call is a caller itself; what is judged is talked to without these.
		"", "natsnet", "metrics", "cmd/eddy/internal/join", "cmd/eddy/internal/lease", "cmd/eddy/internal/natsserver", "cmd/eddy/internal/natskv", "cmd/eddy/internal/natscarrier"},
	"cmd/eddy/internal/plan":       {"internal/csp", "internal/quantile", "internal/eventqueue", "internal/sim", "retry", "internal/schedule"},
	"cmd/eddy/internal/shorthand":  {"internal/quote", "internal/message"},
	"cmd/eddy/internal/talk":       {"internal/quote", "cmd/eddy/internal/cluster", "cmd/eddy/internal/shorthand", "internal/message"},
	"cmd/eddy/internal/join":       {"cmd/eddy/internal/cluster", "cmd/eddy/internal/lease", "internal/quote", "internal/message", "natsnet"},
	"cmd/eddy/internal/lease":      {"natsnet"},
	"cmd/eddy/internal/natsserver": {"natsnet"},
	"cmd/eddy/internal/natskv":     {"", "internal/bounded", "internal/canonical", "natsnet"},
	// Of these only natskv imports the root package, to reply to nodes and not to call them.
	"cmd/eddy/internal/natscarrier": {"internal/sim", "internal/message", "cmd/eddy/internal/cluster", "internal/trial", "cmd/eddy/internal/runner", "cmd/eddy/internal/natskv", "cmd/eddy/internal/natsserver", "natsnet", "internal/message"},
}

// goList returns the lines that go list prints.
func goList(t *testing.T, args ...string) []string {
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list %q: %v", args, err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// Every package imports only packages below it.
func TestImportsGoDownward(t *testing.T) {
	for _, line := range goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...") {
		imports := strings.Fields(line)
		name := strings.TrimPrefix(strings.TrimPrefix(imports[0], module), "/")
		may, listed := floors[name]
		if !listed {
			t.Errorf("the table of floors lacks %q", name)
			continue
		}
		for _, imported := range imports[1:] {
			if imported != module && !strings.HasPrefix(imported, module+"/") {
				continue
			}
			short := strings.TrimPrefix(strings.TrimPrefix(imported, module), "/")
			if !slices.Contains(may, short) {
				t.Errorf("%q imports %q, which is not below it", name, short)
			}
		}
	}
}

// A program that imports only the root package compiles nothing but this package, those
// below it, the JSON library and the standard library.
func TestRootIsLight(t *testing.T) {
	for _, path := range goList(t, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./cmd/relay") {
		switch short := strings.TrimPrefix(path, module+"/"); {
		case path == module, short == "cmd/relay":
		case strings.HasPrefix(path, "github.com/go-json-experiment/json"):
		case slices.Contains(floors[""], short):
		default:
			t.Errorf("cmd/relay compiles %s", path)
		}
	}
}

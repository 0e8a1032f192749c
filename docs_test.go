package eddy

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"github.com/eddyrpc/eddy/internal/doctest"
	"github.com/eddyrpc/eddy/internal/golden"
)

// The table of error codes in the docs is made from the one in the code.
func TestCodesInDocs(t *testing.T) {
	var table strings.Builder
	table.WriteString("| code | name | definite | meaning |\n|---|---|---|---|\n")
	for _, c := range codes {
		definite := "no"
		if c.Definite {
			definite = "yes"
		}
		fmt.Fprintf(&table, "| %d | %s | %s | %s |\n", c.Code, c.Name, definite, c.Meaning)
	}
	golden.Section(t, "docs/protocol.md", "codes", table.String())
}

// The node in the README and its test are examples/first.
func TestReadmeNode(t *testing.T) {
	shown := doctest.Of(t, "README.md", "go")
	for i, path := range []string{"examples/first/main.go", "examples/first/main_test.go"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, code, _ := strings.Cut(string(text), "package main")
		if d := diff.Diff("package main"+code, shown[i]); d != "" {
			t.Errorf("README.md and %s differ (-example +README)\n%s", path, d)
		}
	}
}

// notRun are the commands of documents that no test runs, and why.
var notRun = map[string]string{
	"go test ./...":      "this test is part of it",
	"go test . -rewrite": "it changes files; CI compares them",
	"go test ./examples/... ./cmd/relay -run TestAllSeeds -eddy.seeds 1000": "the same tests run with fewer seeds",
	"go test ./eddytest -run TestBugsAreFound -v":                           "it is part of go test ./...",
	"go test ./eddytest -run TestHealthyNodesPass -eddy.seeds 2000":         "the same test runs with fewer seeds",

	"eddy talk ./relay --log-level warn < session":                                                         "TestTalkDocument in cmd/eddy runs it and compares the output",
	"maelstrom test -w broadcast --bin ./broadcast --node-count 5 --time-limit 2 --rate 100 --latency 100": "it needs Maelstrom",

	"eddy join --nats nats://a:4222,nats://b:4222 --node-id n2 --node-ids n1,n2,n3 -- ./relay": manyMachines,
	"eddy services --nats nats://a:4222,nats://b:4222,nats://c:4222 --replicas 3":              manyMachines,
	"rsync -a machine-1/ root@a:/srv/eddy/":                                                    manyMachines,
	"useradd --system eddy":                                                                    needsRoot,
	"chown -R eddy: /srv/eddy":                                                                 needsRoot,
	"tar -xzf eddy_linux_amd64.tar.gz":                                                         needsDocker,
	"docker build -t eddy -f deploy/Containerfile .":                                           needsDocker,
	"docker run -d --restart always --network host --stop-timeout 45 -v /srv/eddy:/srv/eddy:ro --user $(id -u eddy) eddy join --nats nats://a:4222,nats://b:4222,nats://c:4222 --node-id n1 --node-ids n1,n2,n3 --nkey node.nk --tls-ca ca.pem --tls-cert cert.pem --tls-key key.pem --metrics 127.0.0.1:9464 -- relay": needsDocker,
	"systemctl daemon-reload":                                                   needsRoot,
	"systemctl enable --now nats eddy-node":                                     needsRoot,
	"systemctl enable --now eddy-services":                                      needsRoot,
	"go build -o /usr/local/bin/ ./cmd/eddy ./cmd/relay":                        needsRoot,
	"GOBIN=/usr/local/bin go install github.com/nats-io/nats-server/v2@v2.15.2": "it needs a registry; TestDeployUnits compares the version with go.mod",

	"cd bench && go run .":                        measures,
	"cd bench && go run . -cases nats":            measures,
	"cd bench && go run . -cases 'nats-(2|idle)'": measures,
	"go run .":        measures,
	"go run . -smoke": "half a minute in another module; .ci/run runs it",
	"cd bench && go test -run 'TestMaelstromAPI|TestOfficialSuite|TestMoves' .":                                                                         "it is another module; .ci/run tests it",
	"cd bench && go test -run TestDefects .":                                                                                                            "it is another module; .ci/run tests it",
	"go test ./examples/broadcast-batched -run TestAllSeeds -eddy.seeds 100":                                                                            "the same test runs with other numbers of seeds",
	"go test ./examples/broadcast -run TestAllSeeds -eddy.seeds 100":                                                                                    "the same test runs with other numbers of seeds",
	"GOOS=wasip1 GOARCH=wasm go build -o broadcast.wasm ./examples/broadcast":                                                                           "docs/testing.md has it, too, and there it runs",
	"eddy hunt -w broadcast --bin broadcast.wasm --rate 50 --time-limit 20 --latency exponential:50ms --loss 0.1 --nemesis partition --same --seeds 16": measures,
	"go test -run NONE -bench 'Broadcast|Counter|GSet|Kafka|Relay' -benchtime 1x ./internal/checker":                                                    measures,
	"go test -run NONE -bench 100k -benchtime 1x ./internal/txn":                                                                                        measures,
	"go test -bench Scan ./internal/wire":                                                                                                               measures,
	"go test -run - -bench Relay ./cmd/relay":                                                                                                           measures,
	"GOMAXPROCS=1 go test -run NONE -bench Plain -count 7 ./cmd/eddy/internal/plan":                                                                     measures,
	"go test ./cmd/eddy -run TestHealthyNodes -healthy -timeout 2h":                                                                                     "an hour; go test ./... runs the nodes with fewer seeds and faults",
	"go test ./eddytest -run TestPlausibleBugs -found 10 -timeout 90m":                                                                                  "it takes long; go test ./... runs some of the bugs",
	"go test ./internal/workload -rewrite":                                                                                                              "it rewrites the document; make generate runs it",
	"EDDY_LONG=1 go test ./natsnet -run TestRelaysWhileServersAndNodesDie -v -relays 100000":                                                            "minutes; go test ./... runs the test with fewer relays",
	"EDDY_LONG=1 go test ./cmd/eddy/internal/natskv -run TestLinKVWhileServersDie -v -operations 6000":                                                  "minutes; go test ./... runs the test with fewer operations",
	"GOMAXPROCS=1 go test -run NONE -bench Call -count 7 ./otel":                                                                                        measures,
}

const (
	manyMachines = "it needs other machines; docs/deploy.md has the same on one machine, and TestDeployCommands runs that"
	needsRoot    = "it changes the system"
	needsDocker  = "it needs a release and Docker; tests of cmd/eddy read the Containerfile, and run the image in a directory"
	measures     = "it measures for minutes on a quiet machine; .ci/run runs bench with -smoke"
)

// Tests of cmd/eddy run the commands of all documents: TestDocuments and others. Commands that
// do not run are listed with the reason.
func TestEveryCommandRuns(t *testing.T) {
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	unused := maps.Clone(notRun)
	for path, page := range documents(t) {
		for _, command := range doctest.NotRun(page) {
			if target, ok := strings.CutPrefix(command, "make "); ok {
				if !regexp.MustCompile(`(?m)^` + target + `:`).Match(makefile) {
					t.Errorf("%s: the Makefile has no target %s", path, target)
				}
				continue
			}
			if notRun[command] == "" {
				t.Errorf("%s: no test runs %s", path, command)
			}
			delete(unused, command)
		}
	}
	for command := range unused {
		t.Errorf("no document shows %s", command)
	}
}

// The table of packages in ARCHITECTURE.md is made from their comments.
func TestPackagesInDocs(t *testing.T) {
	listed := goList(t, "-f", "{{.ImportPath}}\t{{.Doc}}", "./...")
	groups := []struct {
		title string
		has   func(name string) bool
	}{
		{"What users import", func(name string) bool { return !strings.Contains(name, "/") }},
		{"Below package eddy", func(name string) bool { return slices.Contains(floors[""], name) }},
		{"For the workbench and the packages above eddy", func(name string) bool { return strings.HasPrefix(name, "internal/") && !forTests(name) }},
		{"For tests", forTests},
		{"Programs", func(name string) bool {
			return strings.HasPrefix(name, "cmd/") && !strings.Contains(name, "/internal/")
		}},
		{"For cmd/eddy", func(name string) bool { return strings.HasPrefix(name, "cmd/eddy/internal/") }},
	}
	tables := make([]string, len(groups))
	for _, line := range listed {
		imported, doc, _ := strings.Cut(line, "\t")
		name := strings.TrimPrefix(strings.TrimPrefix(imported, module), "/")
		if doc == "" {
			t.Errorf("%s has no comment", imported)
		}
		for i, g := range groups {
			if g.has(name) {
				tables[i] += packageLine(name, doc)
				break
			}
		}
	}
	var all strings.Builder
	for i, g := range groups {
		fmt.Fprintf(&all, "\n**%s**\n\n| package | what it does |\n|---|---|\n%s", g.title, tables[i])
	}
	golden.Section(t, "ARCHITECTURE.md", "packages", all.String()+"\n")
}

// packageLine is the line of a package in the table.
func packageLine(name, doc string) string {
	for _, begin := range []string{"Package " + path.Base(name), "Package eddy", path.Base(name)} {
		if len(doc) > len(begin) && strings.EqualFold(doc[:len(begin)], begin) {
			doc = strings.TrimSpace(doc[len(begin):])
			break
		}
	}
	return fmt.Sprintf("| [%s](%s) | %s |\n", cmp.Or(name, "eddy"), cmp.Or(name, "."), strings.TrimSuffix(doc, "."))
}

// forTests reports whether only tests import a package.
func forTests(name string) bool {
	return slices.Contains([]string{"internal/doctest", "internal/golden", "internal/longtest", "internal/natsprocess", "internal/policytest", "internal/trialtest"}, name)
}

// documents returns the text of each document by its path.
func documents(t *testing.T) map[string]string {
	pages := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "bench/*.md", "examples/*.md"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			pages[path] = string(text)
		}
	}
	return pages
}

var (
	link    = regexp.MustCompile(`\]\(([^):]*)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	code    = regexp.MustCompile("`[^`\n]*`")
	file    = regexp.MustCompile("^`((?:\\.ci|bench|cmd|deploy|docs|eddytest|examples|internal|maelstrom|nodes|metrics|natsnet|retry|testdata)/[\\w./-]+|[a-z_]+\\.go)`$")
)

// Every link within the documents leads somewhere, and every file that they name exists.
func TestLinksInDocs(t *testing.T) {
	pages := documents(t)
	for path, page := range pages {
		for _, span := range code.FindAllString(page, -1) {
			if m := file.FindStringSubmatch(span); m != nil && !exists(filepath.Dir(path), m[1]) {
				t.Errorf("%s: there is no %s", path, m[1])
			}
		}
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(page, ""), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			other := path
			if target != "" {
				other = filepath.Join(filepath.Dir(path), target)
			}
			if _, err := os.Stat(other); err != nil {
				t.Errorf("%s: %v", path, err)
			} else if anchor != "" && !anchors(pages[other])[anchor] {
				t.Errorf("%s: %s has no heading #%s", path, other, anchor)
			}
		}
	}
}

// exists reports whether there is a file, seen from the root or from the document.
func exists(dir, name string) bool {
	_, err := os.Stat(name)
	if err != nil {
		_, err = os.Stat(filepath.Join(dir, name))
	}
	return err == nil
}

// anchors returns the names by which a link finds the headings of a page.
func anchors(page string) map[string]bool {
	all := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(page, -1) {
		name := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		all[strings.ReplaceAll(name, " ", "-")] = true
	}
	return all
}

// SECURITY.md names tests and transcripts, and each of them exists.
func TestSecurityNamesTests(t *testing.T) {
	page, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Z][A-Za-z]+|testdata/[a-z/.-]+)`").FindAllStringSubmatch(string(page), -1)
	if len(named) == 0 {
		t.Fatal("it names none")
	}
	tests := testsOf(t)
	for _, m := range named {
		if _, err := os.Stat(m[1]); err != nil && !tests[m[1]] {
			t.Errorf("there is no %s", m[1])
		}
	}
}

// testsOf returns the names of all tests and fuzz targets of the repository.
func testsOf(t *testing.T) map[string]bool {
	tests := map[string]bool{}
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declaration.FindAllSubmatch(text, -1) {
			tests[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}

// docs/dependencies.md has a line for each direct dependency.
func TestDependenciesInDocs(t *testing.T) {
	page, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	requirement := regexp.MustCompile(`(?m)^\s(\S+) v\S+$`) // without // indirect
	for _, path := range []string{"go.mod", "bench/go.mod", "internal/page/front/go.mod"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range requirement.FindAllSubmatch(text, -1) {
			if name := string(m[1]); name != module && !bytes.Contains(page, []byte("`"+name+"`")) {
				t.Errorf("it has no line for %s (%s)", name, path)
			}
		}
	}
}

// ARCHITECTURE.md says which declaration is in which file, and it is there.
func TestPlacesInArchitecture(t *testing.T) {
	page, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	// One or two names "in" a file.
	places := regexp.MustCompile("(?:`([A-Za-z.]+)`,? and )?`([A-Za-z.]+)` in `([a-z/]+\\.go)`").FindAllStringSubmatch(string(page), -1)
	if len(places) < 5 {
		t.Errorf("it names %d places", len(places))
	}
	for _, m := range places {
		source, err := os.ReadFile(m[3])
		if err != nil {
			t.Error(err)
			continue
		}
		for _, name := range m[1:3] {
			name = name[strings.LastIndexByte(name, '.')+1:]
			if name != "" && !regexp.MustCompile(`(?m)^(?:func (?:\([^)]*\) )?|var |type |const )`+name+`\b`).Match(source) {
				t.Errorf("there is no %s in %s", name, m[3])
			}
		}
	}
}

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// deployDoc returns docs/deploy.md and its blocks of a kind.
func deployDoc(t *testing.T, kind string) (text string, blocks []string) {
	data, err := os.ReadFile("../../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?s)```"+kind+"\n(.*?)```").FindAllSubmatch(data, -1) {
		blocks = append(blocks, string(m[1]))
	}
	if len(blocks) == 0 {
		t.Fatalf("docs/deploy.md has no block of %s", kind)
	}
	return string(data), blocks
}

// unitKeys are the directives of the units, by section, and what a value must look like. All
// are in the manual pages systemd.unit, systemd.service, systemd.exec and systemd.kill.
var unitKeys = map[string]map[string]string{
	"Unit": {"Description": `\S.*`, "After": `[a-z.\- ]+`, "Wants": `[a-z.\- ]+`},
	"Service": {
		"User": `[a-z]+`, "WorkingDirectory": `/\S+`, "ExecStart": `/\S+( .*)?`, "ExecReload": `/\S+( .*)?`,
		"Restart": `always|on-failure`, "RestartSec": `\d+`, "KillMode": `mixed|process|control-group`,
		"TimeoutStopSec": `\d+`, "LimitNOFILE": `\d+`,
	},
	"Install": {"WantedBy": `[a-z\-]+\.target`},
}

// parseUnit parses a unit of systemd. A directive occurs once.
func parseUnit(t *testing.T, file, text string) map[string]string {
	t.Helper()
	values, section := map[string]string{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "["); ok {
			section = strings.TrimSuffix(name, "]")
			if unitKeys[section] == nil {
				t.Errorf("%s: there is no section %s", file, line)
			}
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		switch form := unitKeys[section][key]; {
		case line == "" || line[0] == '#':
		case !ok || form == "":
			t.Errorf("%s: section %s has no directive %s", file, section, line)
		case !regexp.MustCompile(`^(` + form + `)$`).MatchString(value):
			t.Errorf("%s: %s must match %s", file, line, form)
		case values[key] != "":
			t.Errorf("%s: %s is given twice", file, key)
		default:
			values[key] = value
		}
	}
	return values
}

// parses reports an error if a command line of eddy is not valid.
func parses(t *testing.T, where string, args []string) *cli {
	t.Helper()
	line := &cli{}
	if _, err := newParser(line).Parse(args); err != nil {
		t.Errorf("%s: eddy %s: %v", where, strings.Join(args, " "), err)
	}
	return line
}

// The units of systemd have directives that exist, start valid command lines, and are those of
// docs/deploy.md, which names the version of nats-server that the tests use.
func TestDeployUnits(t *testing.T) {
	text, shown := deployDoc(t, "ini")
	files, err := filepath.Glob("../../deploy/*.service")
	if err != nil || len(files) != 3 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		unit, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(shown, string(unit)) {
			t.Errorf("docs/deploy.md does not show %s as it is", file)
		}
		if !strings.Contains(text, "`"+filepath.Base(file)+"`") {
			t.Errorf("docs/deploy.md does not name %s", file)
		}
		values := parseUnit(t, file, string(unit))
		for _, key := range []string{"Description", "User", "WorkingDirectory", "ExecStart", "Restart", "WantedBy"} {
			if values[key] == "" {
				t.Errorf("%s has no %s", file, key)
			}
		}
		args := strings.Fields(values["ExecStart"])
		if args[0] == "/usr/local/bin/eddy" {
			parses(t, file, args[1:])
		}
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`nats-server/v2 v[0-9.]+`).FindString(string(mod))
	if want = strings.Replace(want, " ", "@", 1); want == "" || !strings.Contains(text, want) {
		t.Errorf("docs/deploy.md does not name %s", want)
	}
}

// A node of systemd has longer to end than eddy join gives it.
func TestDeployUnitsWaitForNodes(t *testing.T) {
	text, err := os.ReadFile("../../deploy/eddy-node.service")
	if err != nil {
		t.Fatal(err)
	}
	values := parseUnit(t, "eddy-node.service", string(text))
	line := parses(t, "eddy-node.service", strings.Fields(values["ExecStart"])[1:])
	if wait, err := parseTime(values["TimeoutStopSec"]); err != nil || wait <= line.Join.Grace {
		t.Errorf("it waits %v, and eddy join up to %v", wait, line.Join.Grace)
	}
}

// systemd has nothing to say about the units, with programs that exist on this machine.
func TestDeployUnitsBySystemd(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd is not installed")
	}
	dir := t.TempDir()
	files, _ := filepath.Glob("../../deploy/*.service")
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		here := regexp.MustCompile(`(?m)^(Exec\w+=)\S+`).ReplaceAllString(string(text), "${1}/bin/true")
		files[i] = filepath.Join(dir, filepath.Base(file))
		if err := os.WriteFile(files[i], []byte(strings.ReplaceAll(here, "User=eddy", "User=root")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(analyze, append([]string{"verify"}, files...)...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// An instruction of the Containerfile.
type instruction struct{ name, rest string }

// containerfile returns the instructions of the Containerfile.
func containerfile(t *testing.T) (all []instruction) {
	t.Helper()
	text, err := os.ReadFile("../../deploy/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, rest, _ := strings.Cut(line, " ")
		all = append(all, instruction{name, rest})
	}
	return all
}

// released returns the files of the archive of a release, by .goreleaser.yaml: for each file its
// path in the repository, or for a program the package that it is built from.
func released(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../.goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var release struct {
		Builds []struct {
			Main, Binary string
			Env, Goos    []string
		}
		Archives []struct{ Files []string }
	}
	if err := yaml.Unmarshal(text, &release); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, b := range release.Builds {
		if !slices.Contains(b.Env, "CGO_ENABLED=0") || !slices.Contains(b.Goos, "linux") {
			t.Errorf("%s is not built for Linux without cgo, but the image has no dynamic linker", b.Binary)
		}
		files[b.Binary] = b.Main
	}
	for _, pattern := range release.Archives[0].Files {
		found, err := filepath.Glob("../../" + pattern)
		if err != nil || len(found) == 0 {
			t.Errorf("there is no %s", pattern)
		}
		for _, path := range found {
			files[strings.TrimPrefix(filepath.ToSlash(path), "../../")] = path
		}
	}
	return files
}

// copied returns the files of the image, by their paths in it, from the files of a release.
func copied(t *testing.T) map[string]string {
	t.Helper()
	release, image := released(t), map[string]string{}
	for _, in := range containerfile(t) {
		if in.name != "COPY" {
			continue
		}
		args := strings.Fields(in.rest)
		to := args[len(args)-1]
		if !strings.HasPrefix(to, "/") || !strings.HasSuffix(to, "/") {
			t.Errorf("COPY %s: the last one must be an absolute directory", in.rest)
		}
		for _, source := range args[:len(args)-1] {
			if release[source] == "" {
				t.Errorf("COPY %s: a release has no %s", in.rest, source)
			}
			image[path.Join(to, source)] = release[source]
		}
	}
	return image
}

// The Containerfile has one stage, and its instructions fit together and to a release.
func TestContainerfile(t *testing.T) {
	once := map[string]string{}
	for i, in := range containerfile(t) {
		if (i == 0) != (in.name == "FROM") {
			t.Errorf("instruction %d is %s", i+1, in.name)
		}
		switch in.name {
		case "FROM", "ENV", "WORKDIR", "USER", "ENTRYPOINT", "CMD":
			if once[in.name] != "" {
				t.Errorf("%s is given twice", in.name)
			}
			once[in.name] = in.rest
		case "COPY":
		default:
			t.Errorf("there is no instruction %s", in.name)
		}
	}
	if once["FROM"] != "scratch" || !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(once["USER"]) {
		t.Errorf("FROM %s, USER %s", once["FROM"], once["USER"])
	}
	var entry, command []string
	if err := json.Unmarshal([]byte(once["ENTRYPOINT"]), &entry); err != nil || len(entry) == 0 {
		t.Fatalf("ENTRYPOINT %s: %v", once["ENTRYPOINT"], err)
	}
	if err := json.Unmarshal([]byte(once["CMD"]), &command); err != nil {
		t.Fatalf("CMD %s: %v", once["CMD"], err)
	}
	image := copied(t)
	if image[entry[0]] != "./cmd/eddy" || once["ENV"] != "PATH="+path.Dir(entry[0]) {
		t.Errorf("ENTRYPOINT %s, ENV %s, and the image has %v", entry, once["ENV"], image)
	}
	parses(t, "Containerfile", slices.Concat(entry[1:], command))
	if release := released(t); release["deploy/Containerfile"] == "" || release["deploy/eddy-node.service"] == "" {
		t.Error("a release lacks the files of deploy")
	}
}

// docs/deploy.md runs the image with command lines that eddy accepts, with files that the
// image or the mounted directory has.
func TestContainerCommands(t *testing.T) {
	_, blocks := deployDoc(t, "sh not run")
	image, runs := copied(t), 0
	for line := range strings.Lines(strings.Join(blocks, "")) {
		_, args, ok := strings.Cut(strings.TrimSpace(line), " eddy join ")
		if !strings.HasPrefix(line, "docker run ") || !ok {
			continue
		}
		runs++
		parsed := parses(t, "docs/deploy.md", strings.Fields("join "+args))
		if err := parsed.Join.checkProgram(); err != nil {
			t.Error(err)
		}
		if node := "/usr/local/bin/" + parsed.Join.Program; image[node] == "" {
			t.Errorf("the image has no %s", node)
		}
	}
	if runs != 1 {
		t.Errorf("docs/deploy.md has %d commands that run the image", runs)
	}
}

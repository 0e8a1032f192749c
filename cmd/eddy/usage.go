package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"github.com/eddyrpc/eddy/internal/nearest"
	"github.com/eddyrpc/eddy/internal/workload"
)

// explain returns the command of a command line that kong refuses, such as "eddy test", and
// what is wrong with it.
func explain(args []string, err error) (about string, wrong error) {
	var selected *kong.Node
	var parse *kong.ParseError
	if errors.As(err, &parse) {
		selected = parse.Context.Selected()
	}
	about = "eddy"
	if selected != nil {
		about = selected.FullPath()
	}
	if dash := wrongDash(args); dash != nil {
		return about, dash
	}
	if missing := missingWorkload(args); missing != nil {
		return about, missing // the other errors follow from it
	}
	text := err.Error()
	if unknown, ok := strings.CutPrefix(text, "unknown flag "); ok {
		unknown, _, _ = strings.Cut(unknown, ",")
		return about, unknownFlag(selected, unknown)
	}
	if arg, ok := strings.CutPrefix(text, "unexpected argument "); ok && selected == nil {
		arg, _, _ = strings.Cut(arg, ",")
		return about, unknownCommand(arg)
	}
	if arguments, ok := strings.CutPrefix(text, `expected "`); ok {
		arguments, _, _ = strings.Cut(arguments, `"`)
		arguments, _, _ = strings.Cut(arguments, " [")
		return about, fmt.Errorf("an argument is missing: %s", strings.ToUpper(strings.NewReplacer("<", "", ">", "").Replace(arguments)))
	}
	return about, err
}

// withoutSSH is why flags of Maelstrom about SSH do not exist here.
const withoutSSH = "it is not needed, because eddy runs nodes on this machine, without SSH"

// otherFlags says of flags that Maelstrom has, or that another command has in another sense,
// what to do instead.
var otherFlags = map[string]map[string]string{
	"test": {
		"no-ssh": withoutSSH, "ssh-private-key": withoutSSH, "username": withoutSSH, "password": withoutSSH,
		"strict-host-key-checking": withoutSSH,
		"nodes-file":               "name the nodes with --nodes",
		"leave-db-running":         "nodes end with the test; eddy talk and eddy up run a node for longer",
		"logging-json":             "eddy writes no log of its own; --json prints the results as JSON",
	},
	"serve": {"host": "--addr 0.0.0.0:8080 names the address and the port"},
	"plan":  {"latency": "--round-trip is the latency of a request and its reply together"},
}

// unknownFlag returns the error of a flag that a command does not have.
func unknownFlag(command *kong.Node, flag string) error {
	if command == nil || command.Type == kong.ApplicationNode {
		return fmt.Errorf("unknown flag %s", flag)
	}
	name := strings.TrimLeft(flag, "-")
	of := command.Name
	if of == "hunt" {
		of = "test"
	}
	if instead := otherFlags[of][name]; instead != "" {
		return fmt.Errorf("%s has no %s: %s", command.FullPath(), flag, instead)
	}
	if near := nearest.Name(name, flagNames(command)); near != "" && len(name) > 1 {
		return fmt.Errorf("unknown flag %s: did you mean --%s?", flag, near)
	}
	for _, other := range newParser(&cli{}).Model.Leaves(true) {
		if strings.HasPrefix(flag, "--") && slices.Contains(flagNames(other), name) {
			return fmt.Errorf("%s has no %s; it is a flag of %s", command.FullPath(), flag, other.FullPath())
		}
	}
	return fmt.Errorf("unknown flag %s", flag)
}

func flagNames(command *kong.Node) (names []string) {
	for _, group := range command.AllFlags(true) {
		for _, f := range group {
			names = append(names, f.Name)
		}
	}
	return names
}

// otherCommands says of commands that Maelstrom has what to do instead.
var otherCommands = map[string]string{
	"analyze": "eddy report writes the report of a stored test again, and eddy rerun runs it again",
	"doc":     "its documents are the files in docs/ of the repository",
}

// unknownCommand returns the error of a command that does not exist.
func unknownCommand(name string) error {
	if instead := otherCommands[name]; instead != "" {
		return fmt.Errorf("eddy has no command %s: %s", name, instead)
	}
	var names []string
	for _, c := range newParser(&cli{}).Model.Leaves(true) {
		names = append(names, c.Name)
	}
	if near := nearest.Name(name, names); near != "" {
		return fmt.Errorf("there is no command %s: did you mean %s?", name, near)
	}
	return fmt.Errorf("there is no command %s", name)
}

// findWorkload returns a workload, or an error that names the nearest one.
func findWorkload(name string) (workload.Spec, error) {
	spec, err := workload.Find(name)
	if err == nil {
		return spec, nil
	}
	var names []string
	for _, s := range workload.Specs {
		names = append(names, s.Name)
	}
	if near := nearest.Name(name, names); near != "" {
		return spec, fmt.Errorf("workload %q: did you mean %s?", name, near)
	}
	return spec, fmt.Errorf("%w; these are all workloads of Maelstrom, and relay", err)
}

// missingWorkload returns an error if a command line of eddy test names a workload
// that does not exist. It is checked before the flags of that workload, which do not exist
// either.
func missingWorkload(args []string) error {
	if len(args) == 0 || args[0] != "test" && args[0] != "hunt" {
		return nil
	}
	for i, arg := range args {
		name, ok := strings.CutPrefix(arg, "--workload=")
		switch {
		case arg == "--":
			return nil
		case ok:
		case (arg == "-w" || arg == "--workload") && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-"):
			name = args[i+1]
		case strings.HasPrefix(arg, "-w") && len(arg) > 2:
			name = strings.TrimPrefix(arg[2:], "=")
		default:
			continue
		}
		if _, err := findWorkload(name); err != nil {
			return err
		}
	}
	return nil
}

// wrongDash returns an error if an argument begins with another dash than the hyphen of
// a keyboard, as those that are copied from some web pages do. What follows -- is not
// for eddy.
func wrongDash(args []string) error {
	const dashes = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
	for _, arg := range args {
		name := strings.TrimLeft(arg, "-"+dashes)
		begin := arg[:len(arg)-len(name)]
		switch {
		case arg == "--":
			return nil
		case name == "" || !strings.ContainsAny(begin, dashes):
			continue
		}
		flag := "--" + name
		if utf8.RuneCountInString(name) == 1 {
			flag = "-" + name
		}
		return fmt.Errorf("%s begins with a dash that is not the hyphen of a keyboard: did you mean %s?", arg, flag)
	}
	return nil
}

// helpCommand is `eddy help`.
type helpCommand struct {
	Command string `arg:"" optional:"" help:"The command that the help is about."`
}

func (c *helpCommand) Run() error {
	args := []string{"--help"}
	if c.Command != "" {
		args = []string{c.Command, "--help"}
	}
	return statusErr{status: run(args)} // it prints the help and exits, unless there is no such command
}

// versionCommand is `eddy version`.
type versionCommand struct{}

func (versionCommand) Run() error {
	_, err := fmt.Println("eddy", version())
	return err
}

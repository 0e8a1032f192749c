package shorthand

import (
	"strconv"
	"strings"
)

// A Type is a message type whose arguments may be given by position.
type Type struct {
	Name string
	Args []Arg
	Use  string // the workload it belongs to, as Maelstrom names it
	Try  string // an example, in the short form
}

// An Arg is one positional argument: the field of the body that it becomes.
type Arg struct {
	Field    string
	Or       string // a field that, given by name, stands in for this one
	Optional bool
	Kind     Kind
}

// A Kind is how the words of an argument become a value.
type Kind int

const (
	Value Kind = iota // one word: JSON if it is JSON, else a string
	Text              // one word as Value; if there are more, all of them as one string
	Code              // an error code, by number or by name
	Body              // all the rest: a short message of its own, or a JSON object
)

// Types is every type that the short form knows, in the order it is shown in.
// Where workloads name a field differently, the second is given by name: add
// delta=3, read_ok messages=[1,2].
var Types = []Type{
	{"echo", args("echo..."), "echo", `echo hi`},
	{"generate", nil, "unique-ids", `generate`},
	{"topology", args("topology"), "broadcast", `topology {"n1":["n2"]}`},
	{"broadcast", args("message"), "broadcast", `broadcast 5`},
	{"read", args("key?"), "broadcast, g-set, pn-counter, lin-kv", `read x`},
	{"add", args("element|delta"), "g-set; for pn-counter add delta=3", `add 3`},
	{"send", args("key", "msg"), "kafka", `send k 5`},
	{"poll", args("offsets"), "kafka", `poll {"k":0}`},
	{"commit_offsets", args("offsets"), "kafka", `commit_offsets {"k":7}`},
	{"list_committed_offsets", args("keys"), "kafka", `list_committed_offsets ["k"]`},
	{"write", args("key", "value"), "lin-kv", `write x 3`},
	{"cas", args("key", "from", "to"), "lin-kv", `cas x 3 4`},
	{"txn", args("txn"), "txn-list-append, txn-rw-register", `txn [["r",1,null]]`},
	{"ts", nil, "lin-tso", `ts`},
	{"relay", args("target", "payload{}"), "relay", `relay n2 write x 3`},

	{"echo_ok", args("echo..."), "echo", `answer echo_ok hi`},
	{"generate_ok", args("id"), "unique-ids", `answer generate_ok 7`},
	{"read_ok", args("value|messages"), "g-set, pn-counter, lin-kv; for broadcast read_ok messages=[5]", `answer read_ok 3`},
	{"send_ok", args("offset"), "kafka", `answer send_ok 7`},
	{"poll_ok", args("msgs"), "kafka", `answer poll_ok {"k":[[7,5]]}`},
	{"list_committed_offsets_ok", args("offsets"), "kafka", `answer list_committed_offsets_ok {"k":7}`},
	{"txn_ok", args("txn"), "txn-list-append, txn-rw-register", `answer txn_ok [["r",1,3]]`},
	{"ts_ok", args("ts"), "lin-tso", `answer ts_ok 7`},
	{"error", args("code#", "text?..."), "every", `answer error 22 not equal`},
}

// args reads a shorthand of our own: a field's name, then | and another that
// may stand in for it, ? if it may be left out, ... for Text, # for Code, {} for Body.
func args(specs ...string) []Arg {
	var list []Arg
	for _, spec := range specs {
		arg := Arg{}
		for suffix, kind := range map[string]Kind{"...": Text, "#": Code, "{}": Body} {
			if rest, ok := strings.CutSuffix(spec, suffix); ok {
				spec, arg.Kind = rest, kind
			}
		}
		spec, arg.Optional = strings.CutSuffix(spec, "?")
		arg.Field, arg.Or, _ = strings.Cut(spec, "|")
		list = append(list, arg)
	}
	return list
}

// Usage is the type with its arguments, as in "write KEY VALUE".
func (t Type) Usage() string {
	words := []string{t.Name}
	for _, arg := range t.Args {
		word := strings.ToUpper(arg.Field)
		if arg.Kind == Text || arg.Kind == Body {
			word += "..."
		}
		if arg.Optional {
			word = "[" + word + "]"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// Complete returns the words that a typed line may begin with, given how they
// begin.
func Complete(prefix string) []string {
	var words []string
	for _, word := range []string{"answer", "help", "quit", "raw", "wait"} {
		if strings.HasPrefix(word, prefix) {
			words = append(words, word)
		}
	}
	for _, t := range Types {
		// Replies are typed after answer.
		if strings.HasPrefix(t.Name, prefix) && !strings.HasPrefix(t.Try, "answer ") {
			words = append(words, t.Name)
		}
	}
	return words
}

func findType(name string) (Type, bool) {
	for _, t := range Types {
		if t.Name == name {
			return t, true
		}
	}
	return Type{}, false
}

// errorNames are the names of the protocol's error codes.
var errorNames = []struct {
	code int
	name string
}{
	{0, "timeout"},
	{1, "node-not-found"},
	{10, "not-supported"},
	{11, "temporarily-unavailable"},
	{12, "malformed-request"},
	{13, "crash"},
	{14, "abort"},
	{20, "key-does-not-exist"},
	{21, "key-already-exists"},
	{22, "precondition-failed"},
	{30, "txn-conflict"},
}

// ErrorName is the name of an error code, a JSON number; "" if it has none.
func ErrorName(code string) string {
	for _, known := range errorNames {
		if strconv.Itoa(known.code) == code {
			return known.name
		}
	}
	return ""
}

func errorCode(name string) (code string, ok bool) {
	for _, known := range errorNames {
		if known.name == name {
			return strconv.Itoa(known.code), true
		}
	}
	return "", false
}

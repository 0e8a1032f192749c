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

// An Arg is one argument: a field of the body that needs no name.
type Arg struct {
	Field    string
	Or       string // a field that may be given, by its name, instead of this one
	Optional bool
	Kind     Kind
}

// A Kind says how the words of an argument become a value.
type Kind int

const (
	Value Kind = iota // one word: JSON if it is valid JSON, a string otherwise
	Text              // one word, as for Value; or several words, which become one string
	Code              // an error code: a number or a name
	Body              // the rest of the line: a short message or a JSON object
)

// Types are the types whose arguments need no names, in the order in which they are
// shown. If workloads have different names for a field, the second one must be typed:
// add delta=3, read_ok messages=[1,2].
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

	{"echo_ok", args("echo..."), "echo", `reply echo_ok hi`},
	{"generate_ok", args("id"), "unique-ids", `reply generate_ok 7`},
	{"read_ok", args("value|messages"), "g-set, pn-counter, lin-kv; for broadcast read_ok messages=[5]", `reply read_ok 3`},
	{"send_ok", args("offset"), "kafka", `reply send_ok 7`},
	{"poll_ok", args("msgs"), "kafka", `reply poll_ok {"k":[[7,5]]}`},
	{"list_committed_offsets_ok", args("offsets"), "kafka", `reply list_committed_offsets_ok {"k":7}`},
	{"txn_ok", args("txn"), "txn-list-append, txn-rw-register", `reply txn_ok [["r",1,3]]`},
	{"ts_ok", args("ts"), "lin-tso", `reply ts_ok 7`},
	{"error", args("code#", "text?..."), "every", `reply error 22 not equal`},
}

// args parses descriptions of arguments: the name of a field; then | and the field
// that may be given instead; then ? if it is optional; then ... for Text, # for Code
// or {} for Body.
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

// Usage returns the type with its arguments, as in "write KEY VALUE".
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

// Complete returns the words that begin with prefix and that a line may begin with.
func Complete(prefix string) []string {
	var words []string
	for _, word := range []string{"help", "quit", "raw", "reply", "wait"} {
		if strings.HasPrefix(word, prefix) {
			words = append(words, word)
		}
	}
	for _, t := range Types {
		// The types of replies are typed after reply.
		if strings.HasPrefix(t.Name, prefix) && !strings.HasPrefix(t.Try, "reply ") {
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

// ErrorName returns the name of an error code, which is a JSON number; "" if it has
// none.
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

// Package service is what Maelstrom calls services: nodes that the workbench and
// eddytest play themselves and that every node may ask. Lin-kv, seq-kv and lww-kv
// keep values under keys, lin-tso hands out timestamps.
//
// They are as Maelstrom documents them
// (https://github.com/jepsen-io/maelstrom/blob/main/doc/services.md), and pure:
// where one may choose, as seq-kv which past to show, the seed chooses. What it
// chooses depends on the asker's requests alone, so that it is the same however
// the askers' turns fall, as far as their requests are.
//
// A request that the network has duplicated is served twice, as by any server
// that keeps no memory of requests. A cas survives that; a write may come again
// after a later one.
package service

import (
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/eddyrpc/eddy/internal/message"
)

// The codes that services answer with.
const (
	notSupported       = 10
	malformedRequest   = 12
	keyDoesNotExist    = 20
	preconditionFailed = 22
)

// A Service answers requests, one after another.
type Service struct {
	name   string
	serve  server
	seed   uint64
	askers map[string]*rand.Rand
}

// A server is what makes one service differ from another.
type server interface {
	serve(asker string, choose *rand.Rand, request *request) reply
}

// A Spec is a service that there is.
type Spec struct {
	Name, Doc string
	make      func() server
}

// Specs are all services.
var Specs = []Spec{
	{"lin-kv", "a linearizable key-value store: read, write, cas", func() server { return &linKV{} }},
	{"seq-kv", "a sequentially consistent one: a read may be old, but never older than what its asker has seen or written", func() server { return &seqKV{} }},
	{"lww-kv", "an eventually consistent one, where the last write wins: an asker may miss even its own writes for a while", func() server { return newLWW() }},
	{"lin-tso", "timestamps, each greater than all before it: ts", func() server { return &linTSO{} }},
}

// New is the service of that name, or an error that names those there are.
func New(name string, seed uint64) (*Service, error) {
	var names []string
	for _, spec := range Specs {
		if spec.Name == name {
			return &Service{name, spec.make(), seed, map[string]*rand.Rand{}}, nil
		}
		names = append(names, spec.Name)
	}
	return nil, fmt.Errorf("there is no service %q; there are %s", name, strings.Join(names, ", "))
}

// All is one of each, by name.
func All(seed uint64) map[string]*Service {
	all := map[string]*Service{}
	for _, spec := range Specs {
		all[spec.Name], _ = New(spec.Name, seed)
	}
	return all
}

// Answer serves a request and returns the body of the reply.
func (s *Service) Answer(asker, typ string, body []byte, id int64) []byte {
	choose := s.askers[asker]
	if choose == nil {
		choose = rand.New(rand.NewPCG(s.seed, hash(s.name+" "+asker)))
		s.askers[asker] = choose
	}
	r := s.serve.serve(asker, choose, &request{typ, body})
	return r.body(id)
}

// hash returns a hash that is the same on every machine.
func hash(text string) uint64 {
	h := fnv.New64a()
	io.WriteString(h, text)
	return h.Sum64()
}

// A request is what was asked for.
type request struct {
	typ  string
	body []byte
}

func (r *request) member(name string) (value string, given bool) {
	raw := message.Member(r.body, name)
	return string(raw), raw != nil
}

// A reply is the body of an answer but for its ids.
type reply struct {
	typ    string
	fields string // more members, each behind a comma
}

func refuse(code int, format string, args ...any) reply {
	text := message.AppendQuote(nil, fmt.Sprintf(format, args...))
	return reply{"error", `,"code":` + strconv.Itoa(code) + `,"text":` + string(text)}
}

func (r *reply) body(inReplyTo int64) []byte {
	return fmt.Appendf(nil, `{"type":"%s"%s,"in_reply_to":%d}`, r.typ, r.fields, inReplyTo)
}

// Package service implements Maelstrom's services as state machines. The workbench
// and eddytest provide them to nodes: lin-kv, seq-kv and lww-kv are key-value
// stores, lin-tso is a timestamp oracle.
//
// They behave as Maelstrom documents them
// (https://github.com/jepsen-io/maelstrom/blob/main/doc/services.md). Where a
// service may choose, such as which past state seq-kv shows, the choice is random.
// Each requester has its own random generator, seeded with the seed and its name,
// so its random numbers do not depend on the requests of other nodes.
//
// A duplicated request is served twice, because services do not deduplicate. A
// duplicate of a cas does no harm, but a duplicate of a write may overwrite a later
// write.
package service

import (
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/message"
)

// The codes of the services' error replies.
const (
	notSupported       = 10
	malformedRequest   = 12
	keyDoesNotExist    = 20
	preconditionFailed = 22
)

// A Service serves requests one at a time. It is not safe for concurrent use.
type Service struct {
	name   string
	server server
	seed   uint64
	random map[string]*rand.Rand // by requester
}

// A server is the state of one kind of service.
type server interface {
	serve(src string, random *rand.Rand, request *request) reply
}

// A Spec describes a service.
type Spec struct {
	Name, Doc string
	make      func() server
}

// Specs are the specs of all services.
var Specs = []Spec{
	{"lin-kv", "a linearizable key-value store: read, write, cas", func() server { return &linKV{} }},
	{"seq-kv", "a sequentially consistent key-value store: a read may be stale, but not older than what its requester has read or written", func() server { return &seqKV{} }},
	{"lww-kv", "an eventually consistent key-value store, in which the last write wins: for some time a requester may not even read its own writes", func() server { return newLWW() }},
	{"lin-tso", "a timestamp oracle: each ts is greater than all earlier ones", func() server { return &linTSO{} }},
}

// New returns a new service of a name. The error lists the names of all services.
func New(name string, seed uint64) (*Service, error) {
	var names []string
	for _, spec := range Specs {
		if spec.Name == name {
			return &Service{name, spec.make(), seed, map[string]*rand.Rand{}}, nil
		}
		names = append(names, spec.Name)
	}
	return nil, fmt.Errorf("service %q: must be one of %s", name, strings.Join(names, ", "))
}

// All returns one service of each kind, by name.
func All(seed uint64) map[string]*Service {
	all := map[string]*Service{}
	for _, spec := range Specs {
		all[spec.Name], _ = New(spec.Name, seed)
	}
	return all
}

// Serve serves a request from src, whose body has a type and a msg_id, and returns
// the body of the reply.
func (s *Service) Serve(src, typ string, body []byte, msgID int64) []byte {
	return s.ServeID(src, typ, body, message.Int(msgID))
}

// ServeID is Serve with a msg_id that may be any number.
func (s *Service) ServeID(src, typ string, body []byte, msgID jsontext.Value) []byte {
	random := s.random[src]
	if random == nil {
		random = rand.New(rand.NewPCG(s.seed, hash(s.name+" "+src)))
		s.random[src] = random
	}
	r := s.server.serve(src, random, &request{typ, body})
	return r.body(msgID)
}

// hash returns a hash that is the same on every machine.
func hash(text string) uint64 {
	h := fnv.New64a()
	io.WriteString(h, text)
	return h.Sum64()
}

// A request is a parsed request.
type request struct {
	typ  string
	body []byte
}

// member returns the raw value of a member of the body.
func (r *request) member(name string) (value string, given bool) {
	raw := message.Member(r.body, name)
	return string(raw), raw != nil
}

// A reply is the body of a reply without its id.
type reply struct {
	typ    string
	fields string // further members, each after a comma
}

// refuse returns an error reply.
func refuse(code int, format string, args ...any) reply {
	text := message.AppendQuote(nil, fmt.Sprintf(format, args...))
	return reply{"error", `,"code":` + strconv.Itoa(code) + `,"text":` + string(text)}
}

func (r *reply) body(inReplyTo jsontext.Value) []byte {
	return fmt.Appendf(nil, `{"type":"%s"%s,"in_reply_to":%s}`, r.typ, r.fields, inReplyTo)
}

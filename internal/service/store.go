package service

import "github.com/eddyrpc/eddy/internal/canonical"

// An op is one read, write or cas on one key.
type op struct {
	typ    string
	key    string // canonical, as from is
	value  string // to write: value of a write, to of a cas
	from   string // of a cas
	create bool   // a cas may make its key
}

// parse reads a request to a store; if it makes no sense, refused has a type.
func parse(r *request) (o op, refused reply) {
	o = op{typ: r.typ}
	need := func(name string, into *string) {
		value, given := r.member(name)
		if !given && refused.typ == "" {
			refused = refuse(malformedRequest, "%s needs %s", r.typ, name)
		}
		*into = value
	}
	switch r.typ {
	case "read":
		need("key", &o.key)
	case "write":
		need("key", &o.key)
		need("value", &o.value)
	case "cas":
		need("key", &o.key)
		need("from", &o.from)
		need("to", &o.value)
		create, _ := r.member("create_if_not_exists")
		o.create = create == "true"
		o.from = canonical.JSON(o.from)
	default:
		refused = refuse(notSupported, "%s is none of read, write, cas", r.typ)
	}
	o.key = canonical.JSON(o.key)
	return o, refused
}

// apply is the answer of a store in which the key has the value now, if it is
// there, and whether it then shall have o.value.
func (o *op) apply(now string, there bool) (answer reply, writes bool) {
	switch {
	case o.typ == "write":
		return reply{typ: "write_ok"}, true
	case o.typ == "cas" && (there && canonical.JSON(now) == o.from || !there && o.create):
		return reply{typ: "cas_ok"}, true
	case !there:
		return refuse(keyDoesNotExist, "key %s does not exist", o.key), false
	case o.typ == "cas":
		return refuse(preconditionFailed, "key %s is %s, not %s", o.key, now, o.from), false
	}
	return reply{"read_ok", `,"value":` + now}, false
}

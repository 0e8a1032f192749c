package service

import "github.com/eddyrpc/eddy/internal/canonical"

// An op is a read, write or cas on one key.
type op struct {
	typ    string
	key    string // in canonical form
	value  string // the new value: value of a write, to of a cas
	from   string // of a cas, in canonical form
	create bool   // of a cas: create_if_not_exists
}

// parse parses a request to a key-value store. If the request is invalid, refused is
// an error reply; otherwise its type is empty.
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
		refused = refuse(notSupported, "type %s is not supported: must be read, write or cas", r.typ)
	}
	o.key = canonical.JSON(o.key)
	return o, refused
}

// apply returns the reply of a store in which the key exists or not and has the
// value current, and whether the store must set the key to o.value.
func (o *op) apply(current string, exists bool) (result reply, writes bool) {
	switch {
	case o.typ == "write":
		return reply{typ: "write_ok"}, true
	case o.typ == "cas" && (exists && canonical.JSON(current) == o.from || !exists && o.create):
		return reply{typ: "cas_ok"}, true
	case !exists:
		return refuse(keyDoesNotExist, "key %s does not exist", o.key), false
	case o.typ == "cas":
		return refuse(preconditionFailed, "key %s is %s, not %s", o.key, current, o.from), false
	}
	return reply{"read_ok", `,"value":` + current}, false
}

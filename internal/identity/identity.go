// Package identity reads the content of init.
package identity

import (
	"errors"
	"slices"

	"github.com/eddyrpc/eddy/internal/wire"
)

// An Identity is the content of init.
type Identity struct {
	ID  string   // the node's name
	IDs []string // the names of all nodes
}

// Read reads the body of an init.
func Read(body []byte) (*Identity, error) {
	id := wire.Member(body, "node_id")
	if len(id) <= len(`""`) || id[0] != '"' {
		return nil, errors.New("node_id must be a string that is not empty")
	}
	ids, ok := wire.Strings(wire.Member(body, "node_ids"))
	if !ok {
		return nil, errors.New("node_ids must be an array of strings")
	}
	return &Identity{string(wire.Unquote(id)), ids}, nil
}

// Equal reports whether two inits have the same content.
func (i *Identity) Equal(other *Identity) bool {
	return i.ID == other.ID && slices.Equal(i.IDs, other.IDs)
}

package figures

import (
	"strings"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/bounded"
)

// maxBytes is the limit on the length of a name that is shown.
const maxBytes = 200

// Label returns a name as it is shown: valid UTF-8 and not too long.
func Label(name string) string {
	if len(name) > maxBytes {
		name = name[:maxBytes]
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}

// Labels limit how many names are shown. Strangers may choose the names: those of the nodes
// that a node calls, the types that it passes on, and the codes of error replies. Labels are
// safe for concurrent use.
type Labels struct {
	pairs bounded.Set[pair]
	codes bounded.Set[eddy.Code]
}

type pair struct{ dest, typ string }

// The limits of Labels.
const (
	maxPairs = 1000
	maxCodes = 100 // besides those that the protocol defines
)

// NewLabels returns Labels that have shown nothing.
func NewLabels() *Labels {
	return &Labels{bounded.Set[pair]{Max: maxPairs}, bounded.Set[eddy.Code]{Max: maxCodes}}
}

// Of returns the labels of a destination and a type, both "" for pairs beyond the limit.
func (l *Labels) Of(dest, typ string) (string, string) {
	p := pair{Label(dest), Label(typ)}
	if !l.pairs.Add(p) {
		return "", ""
	}
	return p.dest, p.typ
}

// Code returns the name of a code, false for codes beyond the limit.
func (l *Labels) Code(c eddy.Code) (string, bool) {
	name := c.String()
	if strings.HasPrefix(name, "code ") && !l.codes.Add(c) {
		return "", false
	}
	return name, true
}

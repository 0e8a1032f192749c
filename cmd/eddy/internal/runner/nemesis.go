package runner

import (
	"fmt"
	"strings"
)

// Nemeses are the names of what --nemesis knows.
var Nemeses = []string{}

// KnowsNemesis is an error that names what there is, or nil.
func KnowsNemesis(name string) error {
	for _, have := range Nemeses {
		if have == name {
			return nil
		}
	}
	return fmt.Errorf("there is no nemesis %q; there are %s", name, strings.Join(Nemeses, ", "))
}

func (r *runner) beginNemeses() {}
func (r *runner) heal()         {}

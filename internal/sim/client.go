package sim

import "strings"

// AnyClient stands for every client in a [Link].
const AnyClient = "c*"

// IsClient reports whether a name is the name of a client: c0, c1 and so on.
func IsClient(name string) bool {
	return len(name) > 1 && name[0] == 'c' && strings.Trim(name[1:], "0123456789") == ""
}

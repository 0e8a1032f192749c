// Package names numbers strings that come again and again.
package names

import "strings"

// A Table gives each string a number, from 0 on in the order in which they come.
// Its zero value is empty.
type Table struct {
	names   []string
	numbers map[string]uint32
}

// Number returns the number of a name. A name that is new gets the next one.
func (t *Table) Number(name string) uint32 {
	if n, known := t.numbers[name]; known {
		return n
	}
	if t.numbers == nil {
		t.numbers = map[string]uint32{}
	}
	n := uint32(len(t.names))
	name = strings.Clone(name) // it may be part of a larger string
	t.names = append(t.names, name)
	t.numbers[name] = n
	return n
}

// Find returns the number of a name that the table has.
func (t *Table) Find(name string) (n uint32, ok bool) {
	n, ok = t.numbers[name]
	return n, ok
}

// Name returns the name that has a number.
func (t *Table) Name(n uint32) string { return t.names[n] }

// Names returns all names by their numbers. The caller must not change them.
func (t *Table) Names() []string { return t.names }

// Len returns the number of names.
func (t *Table) Len() int { return len(t.names) }

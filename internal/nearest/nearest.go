// Package nearest finds the name that somebody meant who has mistyped it.
package nearest

import "strings"

// Name returns the name that is nearest to a mistyped one, or "" if none is near: at most
// two letters, and fewer than half of them, are wrong, or only the end is missing.
func Name(typed string, names []string) (near string) {
	least := min(2, (len(typed)-1)/2) + 1
	for _, name := range names {
		d := distance(typed, name)
		if len(typed) >= 3 && strings.HasPrefix(name, typed) {
			d = min(d, 1)
		}
		if d < least {
			near, least = name, d
		}
	}
	return near
}

// distance returns how many bytes must be inserted, removed, replaced or exchanged with their
// neighbour to make b of a.
func distance(a, b string) int {
	of := make([][]int, len(a)+1) // of[i][j] is the distance of a[:i] and b[:j]
	for i := range of {
		of[i] = make([]int, len(b)+1)
		for j := range of[i] {
			if i == 0 || j == 0 {
				of[i][j] = i + j
				continue
			}
			of[i][j] = min(of[i-1][j], of[i][j-1]) + 1
			if a[i-1] == b[j-1] {
				of[i][j] = min(of[i][j], of[i-1][j-1])
			} else {
				of[i][j] = min(of[i][j], of[i-1][j-1]+1)
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				of[i][j] = min(of[i][j], of[i-2][j-2]+1)
			}
		}
	}
	return of[len(a)][len(b)]
}

package shrink

import "slices"

// reduce removes elements from a list until no single one can be removed. fails reports
// whether a part of the list fails; the whole list does.
//
// It is the algorithm ddmin of Zeller and Hildebrandt: it splits the list into parts,
// tries the list without each part, and splits into more parts if all of these pass. It
// leaves out to try each of more than two parts alone: with a failure that needs all of
// some elements, a part that fails alone lies in a half that did.
func reduce[T any](list []T, fails func([]T) bool) {
	if fails(nil) {
		return
	}
	for parts := 2; len(list) > 1; {
		chunks := split(list, parts)
		left := removeChunks(chunks, fails)
		switch {
		case len(left) < len(chunks):
			list, parts = slices.Concat(left...), max(2, len(left))
		case len(chunks) == len(list):
			return
		default:
			parts = 2 * len(chunks)
		}
	}
}

// split splits a list into parts of about the same length, but not more parts than
// elements.
func split[T any](list []T, parts int) (chunks [][]T) {
	parts = min(parts, len(list))
	for i := range parts {
		chunks = append(chunks, list[i*len(list)/parts:(i+1)*len(list)/parts])
	}
	return chunks
}

// removeChunks removes one chunk after another where the rest fails, the last chunk
// first: what happens late has the fewest consequences. It returns what is left.
func removeChunks[T any](chunks [][]T, fails func([]T) bool) [][]T {
	for i := len(chunks) - 1; i >= 0 && len(chunks) > 1; i-- {
		if rest := slices.Delete(slices.Clone(chunks), i, i+1); fails(slices.Concat(rest...)) {
			chunks = rest
		}
	}
	return chunks
}

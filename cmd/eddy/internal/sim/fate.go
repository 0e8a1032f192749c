package sim

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// A draw is the randomness of one message: a hash of the seed, the link, the
// body without ids and how many times that body went over that link before.
//
// A generator that all messages share would be simpler, and wrong: the order in
// which processes get to run would decide who draws which number, and one retry
// more would shift the fate of all that follows.
type draw uint64

// What a draw is asked about. Each question has a number of its own.
const (
	askLoss = iota + 1
	askDuplicate
	askLatency
	askSecondLoss
	askSecondLatency
	askFaultLoss
	askFaultDuplicate
)

// unit is the draw's number in [0, 1) for a question.
func (d draw) unit(question uint64) float64 {
	return float64(mix(uint64(d), question)>>11) / (1 << 53)
}

// mix hashes numbers to one, the same on every machine and in every run.
func mix(numbers ...uint64) uint64 {
	b := make([]byte, 0, 32)
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return xxhash.Sum64(b)
}

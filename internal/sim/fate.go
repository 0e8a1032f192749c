package sim

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// A draw is the random number of one message: a hash of the seed, the link, the
// body without ids, and how often this body was sent over this link before.
//
// A random generator shared by all messages would be simpler and wrong. The order
// in which the operating system runs the processes would decide which message gets
// which number, and one more retry would change the fates of all later messages.
type draw uint64

// The decisions that a draw makes. Each has its own random number.
const (
	drawLoss = iota + 1
	drawDuplicate
	drawLatency
	drawDuplicateLoss
	drawDuplicateLatency
	drawFaultLoss
	drawFaultDuplicate
)

// unit returns the draw's number in [0, 1) for a decision.
func (d draw) unit(decision uint64) float64 {
	return float64(mix(uint64(d), decision)>>11) / (1 << 53)
}

// mix returns a hash of numbers that is the same on every machine and in every
// run.
func mix(numbers ...uint64) uint64 {
	b := make([]byte, 0, 32)
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return xxhash.Sum64(b)
}

package sim

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
	return unit(mix(mix(uint64(d), decision), 0x9e3779b97f4a7c15))
}

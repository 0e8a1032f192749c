package sim

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
	return unit(mix(mix(uint64(d), question), 0x9e3779b97f4a7c15))
}

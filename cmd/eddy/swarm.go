package main

import (
	"math/rand/v2"
	"strconv"
)

// mixed returns the command of one seed of eddy hunt. Each seed has a mix of its own of the
// faults that the command line allows: some seeds only lose messages, some only kill nodes,
// some do both. A bug that one fault hides from the others is found so (Groce and others,
// Swarm Testing, ISSTA 2012).
func (c testCommand) mixed(seed uint64) *testCommand {
	c.Seed = seed
	random := rand.New(rand.NewPCG(seed, 0x6d6978))
	var nemeses []string
	for _, name := range c.Nemesis {
		if random.IntN(2) == 0 {
			nemeses = append(nemeses, name)
		}
	}
	c.Nemesis = nemeses
	for _, share := range []*float64{&c.Loss, &c.Duplicate, &c.ClientLoss} {
		*share = mixedShare(random, *share)
	}
	for _, latency := range []*string{&c.Latency, &c.ClientLatency} {
		if random.IntN(4) == 0 {
			*latency = "0"
		}
	}
	if c.Latency == "0" {
		c.LatencyDist = "constant"
	}
	if len(c.Nemesis) > 0 {
		interval := max(minInterval, round(c.interval()*[]float64{0.5, 1, 2}[random.IntN(3)]))
		c.NemesisInterval = &interval
	}
	if rate, err := strconv.ParseFloat(c.Rate, 64); err == nil {
		c.Rate = strconv.FormatFloat(rate*[]float64{0.25, 0.5, 1}[random.IntN(3)], 'g', -1, 64)
	}
	return &c
}

// mixedShare returns none, a part or all of a share.
func mixedShare(random *rand.Rand, share float64) float64 {
	return round(share * []float64{0, 0, 0.3, 1}[random.IntN(4)])
}

// round leaves the digits of a number that a person would type.
func round(x float64) float64 {
	x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
	return x
}

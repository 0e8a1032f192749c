package testnode

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"time"
)

var uniqueIDBugs = []Bug{
	idBug("16-bit", "returns random numbers of 16 bits", "", "", randomID(16)),
	idBug("20-bit", "returns random numbers of 20 bits", "", "", randomID(20)),
	idBug("24-bit", "returns random numbers of 24 bits", "", "--rate 2000", randomID(24)),
	idBug("28-bit", "returns random numbers of 28 bits", "", "--rate max --concurrency 20n", randomID(28)),
	idBug("node-16-bit", "returns its name and a random number of 16 bits", "", "", func(p *Peer) func() any {
		return func() any { return fmt.Sprintf("%s-%d", p.id, p.p.Random.IntN(1<<16)) }
	}),
	idBug("counter", "counts, without its name", "", "", func(*Peer) func() any {
		n := 0
		return func() any { n++; return n }
	}),
	idBug("counter-in-memory", "returns its name and a counter that is lost when it is killed", "--nemesis kill", "", func(p *Peer) func() any {
		n := 0
		return func() any { n++; return fmt.Sprintf("%s-%d", p.id, n) }
	}),
	idBug("counter-from-file", "keeps a counter in a file that it writes every 100 ids", "--nemesis kill", "", savedCounter),
	idBug("milliseconds", "returns the time in ms", "", "", func(*Peer) func() any {
		return func() any { return time.Now().UnixMilli() }
	}),
	idBug("node-milliseconds", "returns its name and the time in ms", "", "", func(p *Peer) func() any {
		return func() any { return fmt.Sprintf("%s-%d", p.id, time.Now().UnixMilli()) }
	}),
	idBug("microseconds", "returns the time in µs", "", "--rate max --concurrency 20n", func(*Peer) func() any {
		return func() any { return time.Now().UnixMicro() }
	}),
	idBug("same-seed", "returns random numbers of 64 bits, with the same seed on every node", "", "", func(*Peer) func() any {
		r := rand.New(rand.NewPCG(1, 2))
		return func() any { return r.Uint64() }
	}),
	idBug("time-seed", "seeds its random numbers with the time in seconds", "", "", func(*Peer) func() any {
		r := rand.New(rand.NewPCG(uint64(time.Now().Unix()), 0))
		return func() any { return r.Uint64() }
	}),
	idBug("again", "returns its latest id again, 1 of 500", "", "", func(p *Peer) func() any {
		n := 0
		return func() any {
			if n == 0 || !p.p.OneIn(500) {
				n++
			}
			return fmt.Sprintf("%s-%d", p.id, n)
		}
	}),
	idBug("lost", "does not reply, 1 of 500", "", "", func(p *Peer) func() any {
		n := 0
		return func() any {
			if n++; p.p.OneIn(500) {
				return nil
			}
			return fmt.Sprintf("%s-%d", p.id, n)
		}
	}),
	idBug("rounds", "returns a 60-bit number that went through a float64", "", "", func(p *Peer) func() any {
		n := int64(p.id[1]-'0') << 56
		return func() any { n++; return int64(float64(n)) }
	}),
}

func randomID(bits int) func(*Peer) func() any {
	return func(p *Peer) func() any { return func() any { return p.p.Random.Int64N(1 << bits) } }
}

// savedCounter counts on from the last multiple of 100 that it has saved.
func savedCounter(p *Peer) func() any {
	n := 0
	if text, err := os.ReadFile(p.p.Path("counter")); err == nil {
		n, _ = strconv.Atoi(string(text))
	}
	return func() any {
		if n++; n%100 == 0 {
			os.WriteFile(p.p.Path("counter"), []byte(strconv.Itoa(n)), 0o644)
		}
		return fmt.Sprintf("%s-%d", p.id, n)
	}
}

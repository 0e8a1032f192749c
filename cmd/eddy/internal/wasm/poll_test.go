package wasm

import (
	"testing"
	"time"

	"github.com/tetratelabs/wazero/experimental/wazerotest"
)

// clockSubscription is a subscription to a time.
func clockSubscription(user byte, clock uint32, timeout time.Duration, flags uint16) []byte {
	s := make([]byte, subscriptionSize)
	s[0], s[8] = user, subscribeClock
	little.PutUint32(s[16:], clock)
	little.PutUint64(s[24:], uint64(timeout))
	little.PutUint16(s[40:], flags)
	return s
}

func fileSubscription(user, kind byte, fd uint32) []byte {
	s := make([]byte, subscriptionSize)
	s[0], s[8] = user, kind
	little.PutUint32(s[16:], fd)
	return s
}

// An event as the tests compare it.
type event struct {
	user   byte
	errno  errno
	kind   byte
	nbytes uint64
	flags  uint16
}

// poll_oneoff blocks until the first event, and tells all that have happened then.
func TestPoll(t *testing.T) {
	const never = -1
	soon := clockSubscription(1, clockMonotonic, 2*time.Second, 0)
	later := clockSubscription(2, clockMonotonic, 3*time.Second, 0)
	overflow := clockSubscription(3, clockMonotonic, -1, 0)
	read := fileSubscription(4, subscribeRead, 0)
	// The virtual time is 10 s.
	tests := []struct {
		name   string
		subs   [][]byte
		input  string
		closed bool
		until  time.Duration // 0: it does not block
		events []event
	}{
		{"first of two clocks", [][]byte{soon, later}, "", false, 12 * time.Second, []event{{user: 1}}},
		{"in the other order", [][]byte{later, soon}, "", false, 12 * time.Second, []event{{user: 1}}},
		{"no time", [][]byte{clockSubscription(1, clockMonotonic, 0, 0)}, "", false, 0, []event{{user: 1}}},
		{"monotonic, absolute", [][]byte{clockSubscription(1, clockMonotonic, uptime+15*time.Second, absoluteTime)}, "", false,
			15 * time.Second, []event{{user: 1}}},
		{"wall clock, absolute", [][]byte{clockSubscription(1, clockRealtime, time.Duration(Epoch.UnixNano())+15*time.Second, absoluteTime)}, "", false,
			15 * time.Second, []event{{user: 1}}},
		{"in the past", [][]byte{clockSubscription(1, clockRealtime, 5, absoluteTime)}, "", false, 0, []event{{user: 1}}},
		{"never", [][]byte{overflow, read}, "", false, never, nil},
		{"a clock or input", [][]byte{soon, read}, "", false, 12 * time.Second, []event{{user: 1}}},
		{"input", [][]byte{soon, read}, "abc", false, 0, []event{{4, 0, subscribeRead, 3, 0}}},
		{"end of input", [][]byte{soon, read}, "", true, 0, []event{{4, 0, subscribeRead, 0, hangup}}},
		{"output", [][]byte{soon, fileSubscription(5, subscribeWrite, 1)}, "", false, 0, []event{{5, 0, subscribeWrite, 1, 0}}},
		{"no such descriptor", [][]byte{soon, fileSubscription(6, subscribeRead, 9)}, "", false, 0, []event{{6, errBadFD, subscribeRead, 0, 0}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := &Process{now: 10 * time.Second, in: input{[]byte(test.input), test.closed}}
			p.openStandard()
			until := time.Duration(0)
			p.yield = func(struct{}) bool {
				if until = never; !p.waits.timed {
					return false
				}
				until, p.now = p.waits.until, p.waits.until
				return true
			}
			m := memory{wazerotest.NewFixedMemory(1 << 16)}
			for i, s := range test.subs {
				m.Memory.Write(uint32(i*subscriptionSize), s)
			}
			func() {
				defer func() {
					if r := recover(); r != nil && r != any(killed{}) {
						panic(r)
					}
				}()
				if err := p.poll(m, []uint64{0, 1024, uint64(len(test.subs)), 2048}); err != success {
					t.Errorf("error %d", err)
				}
			}()
			if until != test.until {
				t.Errorf("it blocks until %v; want %v", until, test.until)
			}
			n, _ := m.ReadUint32Le(2048)
			if int(n) != len(test.events) {
				t.Fatalf("%d events; want %d", n, len(test.events))
			}
			events, _ := m.Read(1024, n*eventSize)
			for i, want := range test.events {
				b := events[i*eventSize:]
				got := event{b[0], errno(little.Uint16(b[8:])), b[10], little.Uint64(b[16:]), little.Uint16(b[24:])}
				if got != want {
					t.Errorf("event %+v; want %+v", got, want)
				}
			}
		})
	}
}

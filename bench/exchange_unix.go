//go:build unix

package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// An exchange writes to a node and reads from it on one thread: while the node does not
// read, the exchange reads from the node. Two threads would wake each other, on two cores
// mostly at the cost of the node: a tenth of the relays of a fast one.
type exchange struct {
	p       *Process
	in, out int
	unsent  []byte
	begun   int // how much of unsent has been written
}

func newExchange(p *Process) (*exchange, error) {
	x := &exchange{p: p, in: int(p.In.Fd()), out: int(p.out.Fd())}
	if err := unix.SetNonblock(x.in, true); err != nil {
		return nil, fmt.Errorf("making the pipe not block: %w", err)
	}
	return x, nil
}

// next adds lines to what is to be written, and reads at least one.
func (x *exchange) next(lines []byte) ([]byte, error) {
	x.unsent = append(x.unsent[:copy(x.unsent, x.unsent[x.begun:])], lines...)
	x.begun = 0
	for x.begun < len(x.unsent) {
		n, err := unix.Write(x.in, x.unsent[x.begun:])
		if err == nil {
			x.begun += n
			continue
		}
		if !later(err) {
			return nil, fmt.Errorf("writing: %w", err)
		}
		fds := []unix.PollFd{{Fd: int32(x.out), Events: unix.POLLIN}, {Fd: int32(x.in), Events: unix.POLLOUT}}
		if _, err := unix.Poll(fds, -1); err != nil && !later(err) {
			return nil, fmt.Errorf("waiting for the node: %w", err)
		}
		if fds[0].Revents != 0 {
			break
		}
	}
	return x.p.Out.Read()
}

func later(err error) bool { return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) }

// close waits until all is written.
func (x *exchange) close() error {
	if err := unix.SetNonblock(x.in, false); err != nil {
		return fmt.Errorf("making the pipe block: %w", err)
	}
	_, err := x.p.In.Write(x.unsent[x.begun:])
	return err
}

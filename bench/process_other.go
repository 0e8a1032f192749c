//go:build !linux

package main

import (
	"errors"
	"math"
	"os"
	"time"
)

// Only Linux shows the CPU time and the memory of a running process without a library.
// Elsewhere these columns are empty.

func cpuTime(int) time.Duration { return 0 }

func memoryOf(int) Memory {
	return Memory{RSS: math.NaN(), Peak: math.NaN(), PSS: math.NaN()}
}

func resizePipe(*os.File, int) error {
	return errors.New("the size of a pipe can be set on Linux only")
}

func sleep(d time.Duration) { time.Sleep(d) }

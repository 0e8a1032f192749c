//go:build race

package runner

// raceOn reports that the race detector is on, with which node programs are ten times as slow.
const raceOn = true

//go:build race

package main

// raceOn reports that the race detector is on, with which everything takes ten times as
// long.
const raceOn = true

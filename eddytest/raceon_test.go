//go:build race

package eddytest_test

// raceOn reports that the race detector is on, with which tests of many nodes take minutes.
const raceOn = true

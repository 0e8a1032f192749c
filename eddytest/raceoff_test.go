//go:build !race

package eddytest_test

const raceOn = false

//go:build race

package main

// raceOn means that everything takes ten times as long.
const raceOn = true

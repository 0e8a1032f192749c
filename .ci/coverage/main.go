// Coverage prints how much of each package a coverage profile covers, and fails
// if one is under the least.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"log"
	"os"
	"path"
	"sort"
	"strings"
)

type counts struct{ covered, all int }

func main() {
	log.SetFlags(0)
	least := flag.Float64("least", 90, "percent of the statements of each package")
	flag.Parse()
	file, err := os.Open(flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	packages := read(file)
	names := make([]string, 0, len(packages))
	for name := range packages {
		names = append(names, name)
	}
	sort.Strings(names)
	failed := len(names) == 0
	for _, name := range names {
		percent := 100 * float64(packages[name].covered) / float64(packages[name].all)
		fmt.Printf("%5.1f %%  %s\n", percent, name)
		failed = failed || percent < *least
	}
	if failed {
		log.Fatalf("a package is under %.0f %%", *least)
	}
}

// read sums up a profile: lines of "file.go:1.2,3.4 statements runs". A block
// that several test binaries ran stands there several times.
func read(file *os.File) map[string]counts {
	type block struct{ statements, runs int }
	blocks := map[string]block{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		at, rest, ok := strings.Cut(lines.Text(), " ")
		var b block
		if _, err := fmt.Sscan(rest, &b.statements, &b.runs); !ok || err != nil {
			continue // the mode line
		}
		b.runs += blocks[at].runs
		blocks[at] = b
	}
	packages := map[string]counts{}
	for at, b := range blocks {
		name := path.Dir(at[:strings.LastIndexByte(at, ':')])
		c := packages[name]
		c.all += b.statements
		if b.runs > 0 {
			c.covered += b.statements
		}
		packages[name] = c
	}
	return packages
}

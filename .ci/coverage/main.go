// Coverage prints the coverage of each package in a coverage profile. It fails if a package
// has less than the least coverage.
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
	least := flag.Float64("least", 90, "least coverage of each package, in percent of its statements")
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
		log.Fatalf("a package has less than %.0f %%", *least)
	}
}

// read reads a profile: lines of "file.go:1.2,3.4 statements runs". A block has several lines
// if several test programs ran it.
func read(file *os.File) map[string]counts {
	type block struct{ statements, runs int }
	blocks := map[string]block{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		at, rest, ok := strings.Cut(lines.Text(), " ")
		var b block
		if _, err := fmt.Sscan(rest, &b.statements, &b.runs); !ok || err != nil {
			continue // the line with the mode
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

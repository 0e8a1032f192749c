package runner

import (
	"os"
	"strconv"
	"strings"
)

// usageOf returns what process groups use, by the ids of their leaders.
func usageOf(leaders []int) map[int]usage {
	all := map[int]usage{}
	for _, pid := range leaders {
		all[pid] = usage{}
	}
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil
	}
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		group, threads, pages, ok := readStat("/proc/" + name + "/stat")
		u, wanted := all[group]
		if !ok || !wanted {
			continue
		}
		u.processes++
		u.threads += threads
		u.memory += pages * os.Getpagesize()
		if files, err := os.ReadDir("/proc/" + name + "/fd"); err == nil {
			u.files += len(files)
		}
		all[group] = u
	}
	for pid, u := range all {
		if u.processes == 0 {
			delete(all, pid)
		}
	}
	return all
}

// readStat returns the process group of a process, how many threads it has, and how many
// pages of memory.
func readStat(path string) (group, threads, pages int, ok bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, 0, false // the process has ended
	}
	// The name of the program stands in parentheses and may contain anything.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 22 {
		return 0, 0, 0, false
	}
	group, _ = strconv.Atoi(fields[2])
	threads, _ = strconv.Atoi(fields[17])
	pages, _ = strconv.Atoi(fields[21])
	return group, threads, pages, true
}

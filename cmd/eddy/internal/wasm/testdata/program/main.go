// Program does what the tests of package wasm ask for by its first argument.
package main

import (
	"bufio"
	crand "crypto/rand"
	"fmt"
	"log"
	"math/rand"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/eddyrpc/eddy/maelstrom"
)

var programs = map[string]func(){
	"world":     world,
	"random":    random,
	"files":     files,
	"append":    appendLine,
	"timers":    timers,
	"maelstrom": node,
	"exit":      func() { os.Exit(3) },
	"panic":     func() { panic("the last words") },
	"spin": func() {
		for n := 1; n != 0; n++ {
			if n%1_000_000 == 0 {
				fmt.Println(n)
			}
		}
	},
	"clock": func() {
		for start := time.Now(); time.Since(start) < time.Second; {
		}
	},
	"flood": func() {
		for {
			fmt.Println(strings.Repeat("x", 1000))
		}
	},
	"signals": func() {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM)
		bufio.NewReader(os.Stdin).ReadString('\n')
	},
	"memory": func() {
		var all [][]byte
		for {
			all = append(all, make([]byte, 256<<20))
		}
	},
}

func main() { programs[os.Args[1]]() }

// world writes what a program can learn without asking for it.
func world() {
	fmt.Println(os.Args, os.Environ())
	fmt.Println(time.Now(), os.Getpid())
	b := make([]byte, 8)
	crand.Read(b)
	fmt.Println(b)
	start := time.Now()
	time.Sleep(1500 * time.Millisecond)
	fmt.Println("slept", time.Since(start), time.Now().Equal(start.Add(1500*time.Millisecond)))
	fmt.Fprintln(os.Stderr, "to standard error")
	fmt.Print("without an end")
}

// random writes what Go's runtime draws at random.
func random() {
	fmt.Println(rand.Int63())
	for i := range map[int]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 5} {
		fmt.Print(i, " ")
	}
	c1, c2 := make(chan int, 1), make(chan int, 1)
	c1 <- 1
	c2 <- 2
	select {
	case i := <-c1:
		fmt.Println("first", i)
	case i := <-c2:
		fmt.Println("first", i)
	}
}

// timers runs timers while it waits for input, and writes when they fire.
func timers() {
	start := time.Now()
	lines := make(chan string)
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
		close(lines)
	}()
	tick := time.NewTicker(300 * time.Millisecond)
	for {
		select {
		case line, ok := <-lines:
			fmt.Println(time.Since(start), line, ok)
			if !ok {
				return
			}
		case <-tick.C:
			fmt.Println(time.Since(start), "tick")
		}
	}
}

// appendLine appends the second argument to a file and waits with the file open.
func appendLine() {
	f := must(os.OpenFile("log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600))
	fmt.Fprintln(f, os.Args[2])
	fmt.Println(string(must(os.ReadFile("log"))))
	time.Sleep(time.Hour)
}

// node is an echo node on package maelstrom.
func node() {
	n := maelstrom.NewNode()
	n.Handle("echo", func(m maelstrom.Message) error {
		return n.Reply(m, map[string]any{"type": "echo_ok", "time": time.Now().UnixMilli()})
	})
	if err := n.Run(); err != nil {
		log.Fatal(err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

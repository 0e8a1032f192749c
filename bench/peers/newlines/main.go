// Command newlines finds the end of every line and copies the line. Every node in Go does
// at least this.
package main

import (
	"bytes"
	"io"
	"log"
	"os"
)

func main() {
	in := make([]byte, 64<<10)
	out := make([]byte, 0, 128<<10)
	for {
		n, err := os.Stdin.Read(in)
		for rest := in[:n]; len(rest) > 0; {
			end := bytes.IndexByte(rest, '\n') + 1
			if end == 0 {
				end = len(rest)
			}
			out = append(out, rest[:end]...)
			rest = rest[end:]
		}
		if _, err := os.Stdout.Write(out); err != nil {
			log.Fatal(err)
		}
		out = out[:0]
		if err == io.EOF {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
	}
}

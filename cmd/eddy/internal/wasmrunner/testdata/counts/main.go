// Counts is a node that echoes, and that leaves a file in its directory for each of its
// incarnations. With the argument spin or panic it does so instead of replying to echo.
package main

import (
	"context"
	"log"
	"os"

	"github.com/eddyrpc/eddy"
)

func main() {
	f, err := os.CreateTemp(".", "incarnation")
	if err != nil {
		log.Fatal(err)
	}
	f.Close()
	var n eddy.Node
	n.HandleInline("echo", func(_ context.Context, req *eddy.Request) (any, error) {
		if len(os.Args) > 1 {
			misbehave(os.Args[1])
		}
		return map[string]any{"echo": req.Body.Get("echo")}, nil
	})
	if err := n.Run(); err != nil {
		log.Fatal(err)
	}
}

func misbehave(how string) {
	if how == "spin" {
		for {
		}
	}
	go panic("counts: told to")
	select {}
}

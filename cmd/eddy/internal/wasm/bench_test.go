package wasm

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// BenchmarkEcho measures one request and its reply.
func BenchmarkEcho(b *testing.B) {
	for _, node := range []struct{ dir, arg string }{{echo, ""}, {testProgram, "maelstrom"}, {official, "-quiet"}} {
		b.Run(strings.ReplaceAll(node.dir, "/", "-"), func(b *testing.B) {
			p := compileGo(b, node.dir).Start(Config{Args: []string{"node", node.arg}})
			defer p.Kill()
			exchange(b, p, 0, initLine)
			now := time.Duration(0)
			for b.Loop() {
				now += time.Millisecond
				exchange(b, p, now, `{"src":"c0","dest":"n1","body":{"type":"echo","echo":"a","msg_id":2}}`+"\n")
			}
		})
	}
}

// BenchmarkStart measures a start, the first Run and a kill.
func BenchmarkStart(b *testing.B) {
	program := compileGo(b, broadcast)
	for b.Loop() {
		p := program.Start(Config{})
		if err := p.Run(0); err != nil {
			b.Fatal(err)
		}
		p.Kill()
	}
}

// BenchmarkCompile measures how long a program takes the first time, and from the cache.
func BenchmarkCompile(b *testing.B) {
	module := buildGo(b, broadcast)
	compile := func(b *testing.B, cache string) {
		p, err := Compile(b.Context(), module, cache)
		if err != nil {
			b.Fatal(err)
		}
		p.Close(b.Context())
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			compile(b, "")
		}
	})
	b.Run("cached", func(b *testing.B) {
		cache := filepath.Join(b.TempDir(), "cache")
		compile(b, cache)
		for b.Loop() {
			compile(b, cache)
		}
	})
}

// BenchmarkCluster measures five broadcast nodes with 50 operations in a second of virtual
// time, and says how many virtual seconds pass in a real one.
func BenchmarkCluster(b *testing.B) {
	const seconds = 10
	compileGo(b, broadcast)
	for b.Loop() {
		c := broadcasts(b, 5, 50*seconds, 20*time.Millisecond, 1)
		c.run((1 + seconds) * time.Second)
		if c.replies["broadcast_ok"] != 50*seconds {
			b.Fatal(c.replies)
		}
		c.kill()
	}
	b.ReportMetric(float64(b.N*seconds)/b.Elapsed().Seconds(), "virtual-s/s")
}

// BenchmarkMemory says how much memory of this process each of five broadcast nodes takes after
// 10 virtual seconds.
func BenchmarkMemory(b *testing.B) {
	compileGo(b, broadcast)
	for b.Loop() {
		before := resident(b)
		c := broadcasts(b, 5, 500, 20*time.Millisecond, 1)
		c.run(11 * time.Second)
		b.ReportMetric((resident(b)-before)/5, "MB/node")
		c.kill()
		b.ReportMetric((resident(b)-before)/5, "MB/killed-node")
	}
}

// resident returns the resident memory of this process in MB.
func resident(b *testing.B) float64 {
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Skip("this needs /proc, of Linux; here is ", runtime.GOOS)
	}
	var size, pages int
	fmt.Sscan(string(status), &size, &pages)
	return float64(pages*os.Getpagesize()) / 1e6
}

package eddy_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/eddyrpc/eddy"
)

// TestTranscripts runs testdata/transcripts: lines in, time passing, lines out.
// Time is virtual: it passes only while a transcript waits. The directives are
//
//	node [option=...]   starts a node and, unless it is bare, initialises it as n1;
//	                    that init_ok, msg_id 0, is not shown
//	in                  the lines arrive together; shows what the node writes, or
//	                    the number of lines if there are more than 20
//	each                the same, but each line arrives when the node is idle: handlers
//	                    that run at the same time have no order
//	unfinished          in without the newline after the last line
//	many <n>            the line arrives n times
//	long <n>            an echo with msg_id 1 arrives whose line has n bytes
//	wait <duration>     lets time pass; shows what the node writes, and when
//	eof, term           the input ends, the context of Serve ends
//	output stuck|free|broken
//	                    the output is not read, is read again, or cannot be
//	                    written any more
//	stats, log          the counters that are not 0, and what was logged since
//	destinations        the counters of the calls to each node
//	hooks               what the hooks were told since, if the node has the option hooks
//
// go test -run TestTranscripts -rewrite writes what the node does into the files. Read
// them before you commit them.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s *stage
				defer func() { s.clear() }()
				datadriven.RunTest(t, file, func(t *testing.T, d *datadriven.TestData) string {
					if d.Cmd == "node" {
						s.clear()
						s = newStage(t, d)
						return s.show(false)
					}
					if s == nil {
						d.Fatalf(t, "a transcript begins with a node")
					}
					return s.play(t, d)
				})
			})
		})
	}
}

// A stage is a node, its transport and its log.
type stage struct {
	node *eddy.Node
	pipe *pipe
	log  *lockedBuffer
	term context.CancelFunc
	over chan struct{}

	hooks lockedBuffer // what the hooks were told
}

func newStage(t *testing.T, d *datadriven.TestData) *stage {
	s := &stage{node: &eddy.Node{}}
	s.node.SetIncarnation(0x1f0a93c2b7d4e865)
	bare, stays := false, false
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "bare":
			bare = true
		case "spaced":
			s.node.Spaced = true
		case "stop-at-eof":
			s.node.StopAtEOF = true
		case "max-open":
			d.ScanArgs(t, "max-open", &s.node.MaxOpen)
		case "max-line":
			d.ScanArgs(t, "max-line", &s.node.MaxLine)
		case "drain":
			s.node.Drain = duration(t, d, arg.Vals[0])
		case "on-init":
			s.node.OnInit(func(ctx context.Context) error {
				_, _, err := s.node.RPCWithRetry(ctx, "n2", eddy.Raw(`{"type":"hello"}`), nil)
				return err
			})
		case "hooks":
			s.node.Hooks = hooks(s.node, &s.hooks, 0)
		case "veto":
			veto := 0
			d.ScanArgs(t, "veto", &veto)
			s.node.Hooks = hooks(s.node, &s.hooks, veto)
		case "stays-open":
			stays = true
		case "every":
			s.node.Every(duration(t, d, arg.Vals[0]), func(context.Context) {
				s.node.Send("n2", eddy.Raw(`{"type":"tick"}`))
			})
		default:
			d.Fatalf(t, "node has no option %s", arg.Key)
		}
	}
	s.start(stays)
	if !bare {
		s.init()
	}
	return s
}

// init tells the node that it is n1.
func (s *stage) init() {
	s.pipe.arrive([]byte(`{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]}}` + "\n"))
	s.show(false)
}

// start serves the node, whose fields are set. If stays is true, the transport is no
// io.Closer.
func (s *stage) start(stays bool) {
	handlers(s.node)
	s.log = &lockedBuffer{}
	own := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "stack" {
			return slog.Attr{}
		}
		return a
	}}))
	if s.node.Log == nil {
		s.node.Log = own
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.pipe, s.term, s.over = newPipe(), cancel, make(chan struct{})
	var t eddy.Transport = s.pipe
	if stays {
		t = struct {
			io.Reader
			io.Writer
		}{s.pipe, s.pipe}
	}
	go func() {
		defer close(s.over)
		text := "the node has ended"
		if err := s.node.Serve(ctx, t); err != nil {
			text += ": " + err.Error()
		}
		s.pipe.note(text)
	}()
	synctest.Wait()
}

// clear ends the node. The receiver may be nil.
func (s *stage) clear() {
	if s != nil {
		s.pipe.set(free)
		s.pipe.eof()
		s.term()
		<-s.over
	}
}

func (s *stage) play(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "in":
		s.pipe.arrive([]byte(d.Input + "\n"))
	case "each":
		for line := range strings.Lines(d.Input) {
			s.pipe.arrive([]byte(strings.TrimSuffix(line, "\n") + "\n"))
			synctest.Wait()
		}
	case "unfinished":
		s.pipe.arrive([]byte(d.Input))
	case "many":
		s.pipe.arrive([]byte(strings.Repeat(d.Input+"\n", number(t, d))))
	case "long":
		const head, tail = `{"src":"c1","dest":"n1","body":{"type":"echo","msg_id":1,"pad":"`, `"}}`
		pad := strings.Repeat("x", number(t, d)-len(head)-len(tail))
		s.pipe.arrive([]byte(head + pad + tail + "\n"))
	case "wait":
		time.Sleep(duration(t, d, d.CmdArgs[0].Key))
	case "eof":
		s.pipe.eof()
	case "term":
		s.term()
	case "output":
		s.pipe.set(map[string]condition{"stuck": stuck, "free": free, "broken": broken}[d.CmdArgs[0].Key])
	case "stats":
		return s.stats()
	case "destinations":
		return s.destinations()
	case "log":
		return s.log.take()
	case "hooks":
		return s.hooks.take()
	default:
		d.Fatalf(t, "no directive %s", d.Cmd)
	}
	return s.show(d.Cmd == "wait")
}

// show waits until the node is idle, and returns what it has written since the last time.
func (s *stage) show(times bool) string {
	synctest.Wait()
	var b strings.Builder
	count := 0
	s.pipe.lines(func(at time.Duration, line string) {
		if count++; count > 20 {
			return
		}
		if times {
			fmt.Fprintf(&b, "%v ", at)
		}
		if len(line) > 400 {
			line = fmt.Sprintf("%s...%s (%d bytes)", line[:70], line[len(line)-40:], len(line))
		}
		b.WriteString(line + "\n")
	})
	if count > 20 {
		return fmt.Sprintf("%d lines\n", count)
	}
	return b.String()
}

func (s *stage) stats() string {
	var b strings.Builder
	v := reflect.ValueOf(s.node.Stats())
	for i := range v.NumField() {
		if n := v.Field(i).Int(); n != 0 {
			fmt.Fprintf(&b, "%s %d\n", v.Type().Field(i).Name, n)
		}
	}
	return b.String()
}

func (s *stage) destinations() string {
	var b strings.Builder
	all := s.node.Destinations()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "%s %+v\n", name, all[name])
	}
	return b.String()
}

func number(t *testing.T, d *datadriven.TestData) int {
	n, err := strconv.Atoi(d.CmdArgs[0].Key)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	return n
}

func duration(t *testing.T, d *datadriven.TestData, text string) time.Duration {
	v, err := time.ParseDuration(text)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	return v
}

// A lockedBuffer takes a node's log.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.buf.Reset()
	return b.buf.String()
}

// Package talk implements eddy talk, in which a person talks to one node: typed lines
// are sent to the node as messages, and what the node writes is shown.
package talk

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/shorthand"
	"github.com/eddyrpc/eddy/internal/quote"
)

const (
	// initClient is the client that sends init.
	initClient = "c0"

	// inputRoom is how many bytes the node may leave unread before the session
	// reads no further line of its own input.
	inputRoom = 1 << 20

	// typedAhead is how many lines a person may type during a wait.
	typedAhead = 100
)

// Config is the settings of a session. Durations and sizes must not be negative. 0
// means the default for MaxLine, no limit for Cut, and no time for Wait and Grace.
type Config struct {
	Program string
	Args    []string

	Node   string   // the node's id
	Nodes  []string // the ids of all nodes, for init
	NoInit bool     // do not send init
	As     string   // the client that sends what is typed

	Wait    time.Duration // for replies, at the end of a piped session
	Grace   time.Duration // for the node to end, at the end of its input
	MaxLine int           // the limit of the node's lines in bytes
	Cut     int           // the limit of what is shown of a line in bytes

	Colours bool
	Times   bool

	In, Out *os.File
}

// A session is one conversation with a node. Only the goroutine of loop uses its
// fields.
type session struct {
	cfg     Config
	console console
	screen  *transcript
	node    *cluster.Process

	output  chan written      // lines of the node
	typed   chan cluster.Line // lines of the console; closed at its end
	readErr error             // why typed was closed; nil at the end of input
	hangup  chan struct{}     // closed when the input of a terminal has ended
	signals chan os.Signal

	requests requestTable
	hinted   bool // the person was told how to reply to a request of the node

	waiting *wait // nil if typed lines are not delayed
	hungUp  bool
	ending  bool
	signal  os.Signal // the signal that ended the session
}

// written is one line of the node.
type written struct {
	stream cluster.Stream
	line   cluster.Line
}

// Run starts the program and talks to it until the input or the node ends. The status
// is 0; 1 if the node failed; or 128 plus the number of the signal that ended the
// session. When Run returns, no process of the node is running.
func Run(cfg Config) (status int, err error) {
	s := &session{
		cfg:     cfg,
		output:  make(chan written, 256),
		signals: make(chan os.Signal, 1),
	}
	s.node, err = cluster.Start(cluster.Config{
		Program: cfg.Program,
		Args:    cfg.Args,
		MaxLine: cfg.MaxLine,
		Grace:   noneIfZero(cfg.Grace),
		Output:  func(stream cluster.Stream, line cluster.Line) { s.output <- written{stream, line} },
	})
	if err != nil {
		return 0, err
	}
	defer s.node.Kill() // in case of a panic
	defer s.catchSignals()()

	s.console, err = openConsole(cfg.In, cfg.Out)
	if err != nil {
		return 0, fmt.Errorf("set up the terminal: %w", err)
	}
	defer s.console.leave()
	s.screen = &transcript{
		w:       s.console,
		colours: cfg.Colours,
		times:   cfg.Times,
		cut:     cfg.Cut,
		now:     clock(),
	}
	for _, name := range append([]string{initClient, cfg.As, cfg.Node}, cfg.Nodes...) {
		s.screen.idWidth = max(s.screen.idWidth, len([]rune(shorthand.ShowName(name))))
	}
	ahead := 0
	if s.console.interactive() {
		ahead = typedAhead
		s.hangup = make(chan struct{})
		s.screen.remark("%s is %s, process %d; type a message such as echo hi, or help, or quit",
			cfg.Node, quote.Printable(cfg.Program), s.node.PID())
	}
	s.typed = make(chan cluster.Line, ahead)
	if !cfg.NoInit {
		s.init()
	}
	go s.read()
	return s.loop()
}

func noneIfZero(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// catchSignals sends the first signal to the loop. The second one kills the node, even
// if the loop is blocked. The third one ends this process.
func (s *session) catchSignals() (stop func()) {
	caught := make(chan os.Signal, 4)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// If the reader of the transcript ends, Write returns an error. Without this,
	// SIGPIPE would end this process before it has ended the node.
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE)
	done := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case sig := <-caught:
				if n == 0 {
					s.signals <- sig
					continue
				}
				s.node.Kill()
				signal.Reset(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			case <-done:
				return
			}
		}
	}()
	return func() { signal.Stop(caught); close(done) }
}

// read sends the lines of the console to the loop.
func (s *session) read() {
	defer close(s.typed)
	if s.hangup != nil {
		defer close(s.hangup)
	}
	for {
		s.node.AwaitQueued(inputRoom)
		line, err := s.console.readLine()
		if err != nil {
			if err != io.EOF {
				s.readErr = err
			}
			return
		}
		select {
		case s.typed <- line:
		case <-s.node.Done():
			return
		}
	}
}

func (s *session) loop() (int, error) {
	for {
		for s.waiting != nil && s.waiting.until() {
			s.stopWaiting().then()
		}
		if s.screen.err != nil {
			s.end()
		}
		typed := s.typed
		var timeout <-chan time.Time
		if s.waiting != nil {
			typed, timeout = nil, s.waiting.timer.C
		}
		if s.ending {
			typed = nil
		}
		select {
		case w := <-s.output:
			s.show(w)
		case line, ok := <-typed:
			if ok {
				s.take(line)
			} else {
				s.inputEnded()
			}
		case <-timeout:
			s.stopWaiting().expired()
		case <-s.hangup:
			s.hangup, s.hungUp = nil, true
			if s.waiting != nil {
				s.end()
			}
		case sig := <-s.signals:
			s.interrupted(sig)
		case <-s.node.Done():
			return s.ended()
		}
	}
}

// end begins to end the node. The loop continues until the node has ended.
func (s *session) end() {
	if s.ending {
		return
	}
	s.ending = true
	s.stopWaiting()
	s.console.leave()
	go s.node.End()
}

func (s *session) interrupted(sig os.Signal) {
	if s.ending {
		s.node.Kill()
		return
	}
	s.signal = sig
	s.end()
	s.screen.remark("%v: ending %s; a second signal kills it", sig, shorthand.ShowName(s.cfg.Node))
}

// inputEnded ends the session. A piped session first waits for replies.
func (s *session) inputEnded() {
	s.typed = nil
	if s.readErr != nil {
		s.screen.warn("could not read the input: %v", s.readErr)
	}
	if s.console.interactive() {
		s.end()
		return
	}
	s.wait(s.cfg.Wait, wait{
		until:   func() bool { return s.requests.pending == 0 },
		then:    s.end,
		expired: func() { s.expire(s.cfg.Wait); s.end() },
	})
}

// ended shows how the node ended and returns the status of the session.
func (s *session) ended() (int, error) {
	for len(s.output) > 0 {
		s.show(<-s.output)
	}
	s.console.leave()
	exit, name := s.node.Wait(), shorthand.ShowName(s.cfg.Node)
	status := 0
	switch {
	case exit.Early:
		s.screen.warn("%s ended before its input did: %v", name, exit)
		status = 1
	case exit.Forced != "":
		s.screen.remark("%s did not end at the end of its input and was ended by %s", name, exit.Forced)
	case !exit.Clean():
		s.screen.warn("%s failed: %v", name, exit)
		status = 1
	default:
		s.screen.remark("%s ended: %v", name, exit)
	}
	if tail := s.node.StderrTail(); status != 0 && len(tail) > 0 {
		s.screen.warn("its last lines on stderr:")
		for _, text := range tail {
			s.screen.warn("  %s", quote.Printable(strings.ReplaceAll(text, "\t", "    ")))
		}
	}
	if sig, ok := s.signal.(syscall.Signal); ok {
		status = 128 + int(sig)
	}
	if s.screen.err != nil {
		return 0, fmt.Errorf("write the transcript: %w", s.screen.err)
	}
	return status, nil
}

// take executes one typed line. A piped session repeats the line in the transcript
// when the line takes effect: reply when its request has arrived, and wait never.
func (s *session) take(line cluster.Line) {
	text := string(line.Text)
	echo := func() {
		if !s.console.interactive() {
			s.screen.typed(text)
		}
	}
	if line.Truncated() {
		echo()
		s.screen.warn("a typed line has %d bytes, the limit is %d", line.Size, cluster.DefaultMaxLine)
		return
	}
	command, err := shorthand.Parse(text)
	if err != nil {
		echo()
		s.screen.warn("%s", quote.Printable(err.Error()))
		return
	}
	if command.Verb != shorthand.Wait && command.Verb != shorthand.Reply {
		echo()
	}
	switch command.Verb {
	case shorthand.Request:
		s.sendBody(s.cfg.As, s.cfg.Node, s.withID(s.cfg.As, command.Body))
	case shorthand.Message, shorthand.Raw:
		s.send(command.Line)
	case shorthand.Reply:
		s.reply(command, echo)
	case shorthand.Wait:
		s.takeWait(command.For)
	case shorthand.Help:
		for line := range strings.Lines(help()) {
			s.screen.write(strings.TrimSuffix(line, "\n"))
		}
	case shorthand.Quit:
		s.end()
	}
}

// Package talk lets a person talk to one node: what is typed goes to the node's
// input as messages, and what the node writes is shown.
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
	"github.com/eddyrpc/eddy/cmd/eddy/internal/quote"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/shorthand"
)

const (
	// initClient is who sends init.
	initClient = "c0"

	// inputRoom is how many bytes may wait for a node that doesn't read before
	// no further line is taken from a session's input.
	inputRoom = 1 << 20

	// typedAhead is how many lines may be typed on a terminal during a wait.
	typedAhead = 100
)

// Config is a session's settings. All times and sizes must be positive or 0;
// 0 means none for Wait and Grace and Cut, and the default for MaxLine.
type Config struct {
	Program string
	Args    []string

	Node   string   // the node's id
	Nodes  []string // all nodes' ids, as init tells them
	NoInit bool     // don't send init
	As     string   // the client that sends what is typed

	Wait    time.Duration // at the end of a piped session, for answers
	Grace   time.Duration // at the end of its input, for the node to end
	MaxLine int           // limit of the node's lines in bytes
	Cut     int           // limit of what is shown of a line in bytes

	Colours bool
	Times   bool

	In, Out *os.File
}

// A session is one conversation with a node. All its fields are the loop's,
// which is the only goroutine that touches them.
type session struct {
	cfg     Config
	console console
	screen  *transcript
	node    *cluster.Process

	output  chan written      // from the node
	typed   chan cluster.Line // from the console; closed at its end
	readErr error             // why typed was closed; nil at the end of input
	hangup  chan struct{}     // closed when a terminal's input has ended
	signals chan os.Signal

	account account
	hinted  bool // the person knows how to answer a request of the node

	waiting *wait // for this, no typed line is taken
	hungUp  bool
	ending  bool
	signal  os.Signal // that ended the session
}

// written is one line of the node.
type written struct {
	stream cluster.Stream
	line   cluster.Line
}

// Run starts the program and talks to it until the input or the node ends. Its
// status is 0, or 1 if the node ended badly, or 128 and a signal's number if
// that ended the session. When Run returns, nothing of the node is running.
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
	defer s.node.Kill() // should we panic
	defer s.catchSignals()()

	s.console, err = openConsole(cfg.In, cfg.Out)
	if err != nil {
		return 0, fmt.Errorf("take over the terminal: %w", err)
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

// catchSignals passes the first signal to the loop. The second kills the node,
// whatever the loop is doing, and one more ends us.
func (s *session) catchSignals() (stop func()) {
	caught := make(chan os.Signal, 4)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// A reader of the transcript that goes away is an error of Write, and not
	// the end of us before that of the node.
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

// read hands over what is typed.
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

// end begins to end the node. The loop goes on until it has.
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
	s.screen.remark("%v; ending %s, once more to kill it", sig, shorthand.ShowName(s.cfg.Node))
}

// inputEnded ends the session, a piped one after it has waited for answers.
func (s *session) inputEnded() {
	s.typed = nil
	if s.readErr != nil {
		s.screen.complain("cannot read what is typed: %v", s.readErr)
	}
	if s.console.interactive() {
		s.end()
		return
	}
	s.wait(s.cfg.Wait, wait{
		until:   func() bool { return s.account.pending == 0 },
		then:    s.end,
		expired: func() { s.giveUp(s.cfg.Wait); s.end() },
	})
}

// ended says how the node ended and what that makes of the session.
func (s *session) ended() (int, error) {
	for len(s.output) > 0 {
		s.show(<-s.output)
	}
	s.console.leave()
	exit, name := s.node.Wait(), shorthand.ShowName(s.cfg.Node)
	status := 0
	switch {
	case exit.Early:
		s.screen.complain("%s ended before its input did: %v", name, exit)
		status = 1
	case exit.Forced != "":
		s.screen.remark("%s did not end with its input, so %s ended it", name, exit.Forced)
	case !exit.Clean():
		s.screen.complain("%s ended badly: %v", name, exit)
		status = 1
	default:
		s.screen.remark("%s ended: %v", name, exit)
	}
	if tail := s.node.StderrTail(); status != 0 && len(tail) > 0 {
		s.screen.complain("the last of its stderr:")
		for _, text := range tail {
			s.screen.complain("  %s", quote.Printable(strings.ReplaceAll(text, "\t", "    ")))
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

// take acts on one typed line. A piped line is repeated in the transcript where
// it takes effect: an answer once there is a request for it, and a wait not at
// all, since what it does is to let other things come first.
func (s *session) take(line cluster.Line) {
	text := string(line.Text)
	echo := func() {
		if !s.console.interactive() {
			s.screen.typed(text)
		}
	}
	if line.Truncated() {
		echo()
		s.screen.complain("a typed line of %d bytes is over the limit of %d", line.Size, cluster.DefaultMaxLine)
		return
	}
	command, err := shorthand.Parse(text)
	if err != nil {
		echo()
		s.screen.complain("%s", quote.Printable(err.Error()))
		return
	}
	if command.Verb != shorthand.Wait && command.Verb != shorthand.Answer {
		echo()
	}
	switch command.Verb {
	case shorthand.Request:
		s.sendBody(s.cfg.As, s.cfg.Node, s.withID(s.cfg.As, command.Body))
	case shorthand.Message, shorthand.Raw:
		s.send(command.Line)
	case shorthand.Answer:
		s.answer(command, echo)
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

package main

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// bigLine sends one line of about r.Size bytes three times, one at a time. Its value is
// many small objects and not one long string, so that parsing takes time.
func bigLine(r *Run) (Sample, error) {
	p, err := r.Start(Options{})
	if err != nil {
		return nil, err
	}
	defer p.Kill()

	value := []byte("[")
	for i := 0; len(value) < r.Size-100; i++ {
		if i > 0 {
			value = append(value, ',')
		}
		value = append(value, `{"key":`...)
		value = strconv.AppendInt(value, int64(i), 10)
		value = append(value, `,"text":"some text, with a blank or two","on":true}`...)
	}
	value = append(value, ']')

	var took []float64
	first, size := Memory{}, 0
	for id := 1; id <= 3; id++ {
		line := fmt.Appendf(nil, `{"src":"c1","dest":"n1","body":{"type":"echo","msg_id":%d,"echo":%s}}`+"\n", id, value)
		size = len(line)
		wrote := make(chan error, 1)
		began := time.Now()
		go func() {
			_, err := p.In.Write(line)
			wrote <- err
		}()
		answer, err := p.Out.Read()
		if err != nil {
			return nil, p.explain(err)
		}
		took = append(took, time.Since(began).Seconds())
		if err := <-wrote; err != nil {
			return nil, p.explain(err)
		}
		if id == 1 {
			first = p.Memory()
		}
		reply, echo := newKey("in_reply_to"), newKey("echo")
		if reply.Int(answer) != id || !bytes.Contains(answer, []byte(`"echo_ok"`)) {
			return nil, fmt.Errorf("%w: %.100q", errNotAnswer, answer)
		}
		if at := echo.In(answer); at < 0 || !sameValue(answer[at:], value) {
			return nil, fmt.Errorf("%w: the value has changed", errNotAnswer)
		}
	}
	after := p.Memory()
	if err := p.Close(); err != nil {
		return nil, err
	}
	return Sample{
		"bandwidth":  float64(size) / median(took),
		"peak":       first.Peak,
		"peak_lines": first.Peak / float64(size),
		"peak_third": after.Peak,
	}, nil
}

// sameValue reports whether got begins with the value want, except for blanks outside of
// strings. want has no escapes.
func sameValue(got, want []byte) bool {
	quoted := false
	i := 0
	for _, c := range want {
		for !quoted && i < len(got) && got[i] == ' ' {
			i++
		}
		if i >= len(got) || got[i] != c {
			return false
		}
		if c == '"' {
			quoted = !quoted
		}
		i++
	}
	return true
}

// stall runs the pipelined echo with a reader that stops for 2 seconds when a
// tenth of the answers has come.
func stall(r *Run) (Sample, error) {
	pause := 2 * time.Second
	if r.Smoke {
		pause /= 10
	}
	stalled := false
	s, _, err := pipeline(r, echoInput(r.Size), Options{}, func(answers int) {
		if !stalled && answers >= r.Size/10 {
			stalled = true
			time.Sleep(pause)
		}
	})
	return s, err
}

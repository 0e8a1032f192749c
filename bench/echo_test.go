package main

import (
	"errors"
	"testing"
)

func TestEchoesSeesWrongAnswers(t *testing.T) {
	const first = `{"src": "n1", "dest": "c1", "body": {"type": "echo_ok", "echo": "Please echo 1", "in_reply_to": 1, "msg_id": 1}}`
	for name, c := range map[string]struct {
		lines []string
		want  error
	}{
		"right":            {[]string{first}, nil},
		"compact, no id":   {[]string{`{"src":"n1","dest":"c1","body":{"echo":"Please echo 1","in_reply_to":1,"type":"echo_ok"}}`}, nil},
		"other body":       {[]string{`{"src":"n1","dest":"c1","body":{"type":"echo_ok","echo":"Please echo 2","in_reply_to":1,"msg_id":1}}`}, errNotAnswer},
		"longer body":      {[]string{`{"src":"n1","dest":"c1","body":{"type":"echo_ok","echo":"Please echo 1!","in_reply_to":1,"msg_id":1}}`}, errNotAnswer},
		"to somebody else": {[]string{`{"src":"n1","dest":"c2","body":{"type":"echo_ok","echo":"Please echo 1","in_reply_to":1,"msg_id":1}}`}, errNotAnswer},
		"other type":       {[]string{`{"src":"n1","dest":"c1","body":{"type":"echo","echo":"Please echo 1","in_reply_to":1,"msg_id":1}}`}, errNotAnswer},
		"twice":            {[]string{first, first}, errTwice},
		"not asked":        {[]string{`{"src":"n1","dest":"c1","body":{"type":"echo_ok","echo":"Please echo 9","in_reply_to":9,"msg_id":1}}`}, errTwice},
	} {
		check := newEchoes(3, &Peer{})
		var err error
		for _, line := range c.lines {
			if err == nil {
				_, err = check.answer([]byte(line))
			}
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestEchoesSeesDisorder(t *testing.T) {
	check := newEchoes(3, &Peer{Orders: true})
	_, err := check.answer([]byte(`{"src":"n1","dest":"c1","body":{"type":"echo_ok","echo":"Please echo 2","in_reply_to":2,"msg_id":1}}`))
	if !errors.Is(err, errOrder) {
		t.Error(err)
	}
	check = newEchoes(3, &Peer{Orders: true})
	_, err = check.answer([]byte(`{"src":"n1","dest":"c1","body":{"type":"echo_ok","echo":"Please echo 1","in_reply_to":1,"msg_id":2}}`))
	if !errors.Is(err, errOrder) {
		t.Error(err)
	}
}

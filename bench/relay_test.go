package main

import (
	"errors"
	"testing"
)

func TestRelaysReadsBothOrdersOfKeys(t *testing.T) {
	for _, line := range []string{
		`{"src": "n1", "dest": "c1", "body": {"type": "relay_ok", "attempts": 1, "result": {"type": "read_ok", "value": 2, "in_reply_to": 9}, "in_reply_to": 2, "msg_id": 4}}`,
		`{"src":"n1","dest":"c1","body":{"attempts":1,"in_reply_to":2,"result":{"in_reply_to":9,"type":"read_ok","value":2},"type":"relay_ok"}}`,
	} {
		c := newRelays(3, 1)
		if id, err := c.readResult([]byte(line)); id != 2 || err != nil {
			t.Errorf("%d, %v: %s", id, err, line)
		}
		if _, err := c.readResult([]byte(line)); !errors.Is(err, errTwice) {
			t.Errorf("the second time: %v", err)
		}
	}
}

func TestRelaysSeesWrongAnswers(t *testing.T) {
	for name, line := range map[string]string{
		"another's value": `{"src":"n1","dest":"c1","body":{"type":"relay_ok","attempts":1,"result":{"type":"read_ok","value":3,"in_reply_to":9},"in_reply_to":2,"msg_id":4}}`,
		"no attempts":     `{"src":"n1","dest":"c1","body":{"type":"relay_ok","attempts":0,"result":{"type":"read_ok","value":2,"in_reply_to":9},"in_reply_to":2,"msg_id":4}}`,
		"an error":        `{"src":"n1","dest":"c1","body":{"type":"error","code":0,"text":"RPC failed after 3 attempts","in_reply_to":2,"msg_id":4}}`,
		"to another":      `{"src":"n1","dest":"c2","body":{"type":"relay_ok","attempts":1,"result":{"type":"read_ok","value":2,"in_reply_to":9},"in_reply_to":2,"msg_id":4}}`,
	} {
		if _, err := newRelays(3, 1).readResult([]byte(line)); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func TestRelaysSeesStaleIDs(t *testing.T) {
	c := newRelays(3, 3)
	attempt := []byte(`{"src":"n1","dest":"n2","body":{"type":"read","key":2,"msg_id":5}}`)
	if id, msgID, err := c.readAttempt(attempt); id != 2 || msgID != 5 || err != nil || !c.isAttempt(attempt) {
		t.Error(id, msgID, err)
	}
	if _, _, err := c.readAttempt(attempt); !errors.Is(err, errNotAttempt) {
		t.Error("a msg_id may be used twice")
	}
}

// The harness should spend little on a line compared to a node.
func BenchmarkHarness(b *testing.B) {
	b.Run("echo", func(b *testing.B) {
		line := []byte(`{"src": "n1", "dest": "c1", "body": {"type": "echo_ok", "echo": "Please echo 123456", "in_reply_to": 123456, "msg_id": 1}}`)
		c := newEchoes(123456, &Peer{})
		for b.Loop() {
			clear(c.seen[123456/64:])
			c.answer(line)
		}
	})
	b.Run("attempt", func(b *testing.B) {
		line := []byte(`{"src": "n1", "dest": "n2", "body": {"type": "read", "key": 123456, "msg_id": 5}}`)
		c := newRelays(123456, 1)
		for b.Loop() {
			c.fresh[0] = 0
			c.isAttempt(line)
			c.readAttempt(line)
		}
	})
	b.Run("error", func(b *testing.B) {
		line := []byte(`{"src": "n1", "dest": "c1", "body": {"type": "error", "code": 0, "text": "RPC failed after 3 attempts", "in_reply_to": 123456, "msg_id": 4}}`)
		c := newRelays(123456, 1)
		for b.Loop() {
			clear(c.settled[123456/64:])
			c.isAttempt(line)
			c.readError(line, "RPC failed")
		}
	})
	b.Run("result", func(b *testing.B) {
		line := []byte(`{"src": "n1", "dest": "c1", "body": {"type": "relay_ok", "attempts": 1, "result": {"type": "read_ok", "value": 123456, "in_reply_to": 9}, "in_reply_to": 123456, "msg_id": 4}}`)
		c := newRelays(123456, 1)
		for b.Loop() {
			clear(c.settled[123456/64:])
			c.isAttempt(line)
			c.readResult(line)
		}
	})
}

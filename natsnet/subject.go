package natsnet

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// subjects are the subjects that the messages of one cluster use:
//
//	eddy.<cluster>.<dest>.<src>
type subjects struct{ cluster string }

const (
	prefix  = "eddy."
	inboxes = "_INBOX."
)

// Subject returns the subject of a message from src to dest in a cluster.
func Subject(cluster, dest, src string) string { return subjects{cluster}.subject(dest, src) }

// subject returns the subject of a message from src to dest.
func (s subjects) subject(dest, src string) string {
	return prefix + Token(s.cluster) + "." + Token(dest) + "." + Token(src)
}

// to matches the subjects of all messages to dest.
func (s subjects) to(dest string) string { return prefix + Token(s.cluster) + "." + Token(dest) + ".*" }

// reply returns the reply subject of a message that an incarnation of src sends to
// dest. On it a server tells that nobody has subscribed for dest.
func (s subjects) reply(src, incarnation, dest string) string {
	return inboxes + prefix + Token(s.cluster) + "." + Token(src) + "." + incarnation + "." + Token(dest)
}

// replies matches all reply subjects of src. That of a reply has one more token, the
// incarnation that had sent the request. That of a request has one more token with
// Config.FailFast: its msg_id.
func (s subjects) replies(src string) string {
	return inboxes + prefix + Token(s.cluster) + "." + Token(src) + ".>"
}

const incarnationAt = 4 // which token of a reply subject is the sender's incarnation

// incarnationsIn returns the incarnations that a reply subject names: the sender's, and
// in a reply the one that had sent the request.
func incarnationsIn(reply string) (sender, asker string) {
	tokens := 0
	for rest := reply; ; tokens++ {
		token, more, found := strings.Cut(rest, ".")
		switch tokens {
		case incarnationAt:
			sender = token
		case incarnationAt + 2:
			asker = token
		}
		if !found {
			break
		}
		rest = more
	}
	if tokens < incarnationAt+1 || tokens > incarnationAt+2 {
		return "", ""
	}
	return sender, asker
}

// A sentMessage is what a reply subject says of the message that had it.
type sentMessage struct {
	incarnation, dest string
	isRequest         bool  // a request with Config.FailFast
	id                int64 // of the request
}

// parseReply parses a reply subject of this node.
func parseReply(subject string) (m sentMessage, ok bool) {
	tokens := strings.Split(subject, ".")
	if len(tokens) <= incarnationAt+1 {
		return m, false
	}
	m.incarnation = tokens[incarnationAt]
	if m.dest, ok = parseToken(tokens[incarnationAt+1]); ok && len(tokens) > incarnationAt+2 {
		var err error
		m.id, err = strconv.ParseInt(tokens[incarnationAt+2], 10, 64)
		m.isRequest = err == nil
	}
	return m, ok
}

// source returns the src that a subject names.
func (s subjects) source(subject string) (src string, ok bool) {
	return parseToken(subject[strings.LastIndexByte(subject, '.')+1:])
}

// Token turns a name into a token of a subject: letters, digits, '-' and '_' stay as
// they are, every other byte becomes '=' and two hexadecimal digits.
func Token(name string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	b.Grow(tokenLen([]byte(name)))
	for i := range len(name) {
		if c := name[i]; staysInToken(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('=')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}

func staysInToken(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// tokenLen returns the length of a name's token.
func tokenLen(name []byte) int {
	n := len(name)
	for _, c := range name {
		if !staysInToken(c) {
			n += 2
		}
	}
	return n
}

// parseToken returns the name that a token stands for.
func parseToken(token string) (name string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(token); i++ {
		if token[i] != '=' {
			b.WriteByte(token[i])
			continue
		}
		if i+3 > len(token) {
			return "", false
		}
		c, err := hex.DecodeString(token[i+1 : i+3])
		if err != nil {
			return "", false
		}
		b.Write(c)
		i += 2
	}
	return b.String(), Token(b.String()) == token && b.Len() > 0
}

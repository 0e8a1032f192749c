package natsnet

import (
	"encoding/hex"
	"strings"
)

// subjects are the names that messages of one cluster go by:
//
//	eddy.<cluster>.<dest>.<src>
type subjects struct{ cluster string }

const (
	prefix  = "eddy."
	inboxes = "_INBOX."
)

// Subject is where a message from src to dest goes in a cluster.
func Subject(cluster, dest, src string) string { return subjects{cluster}.subject(dest, src) }

// subject is where a message from src to dest goes.
func (s subjects) subject(dest, src string) string {
	return prefix + Token(s.cluster) + "." + Token(dest) + "." + Token(src)
}

// to is where all messages to dest go.
func (s subjects) to(dest string) string { return prefix + Token(s.cluster) + "." + Token(dest) + ".*" }

// unheard is where a server tells a life of src that nobody listens for dest.
func (s subjects) unheard(src, life, dest string) string {
	return inboxes + prefix + Token(s.cluster) + "." + Token(src) + "." + life + "." + Token(dest)
}

// unheardBy is all of that for src. A reply's has one token more, the life that had
// asked.
func (s subjects) unheardBy(src string) string {
	return inboxes + prefix + Token(s.cluster) + "." + Token(src) + ".>"
}

const livesAt = 4 // the token of a subject of unheard that is a life

// livesIn are the lives that a reply subject names, of who sends and of who had asked.
func livesIn(reply string) (sender, asker string) {
	tokens := 0
	for rest := reply; ; tokens++ {
		token, more, found := strings.Cut(rest, ".")
		switch tokens {
		case livesAt:
			sender = token
		case livesAt + 2:
			asker = token
		}
		if !found {
			break
		}
		rest = more
	}
	if tokens < livesAt+1 || tokens > livesAt+2 {
		return "", ""
	}
	return sender, asker
}

// unheardDest is the dest of a subject of unheard.
func unheardDest(subject string) (dest string, ok bool) {
	tokens := strings.Split(subject, ".")
	if len(tokens) <= livesAt+1 {
		return "", false
	}
	return parseToken(tokens[livesAt+1])
}

// source is the src of a subject.
func (s subjects) source(subject string) (src string, ok bool) {
	return parseToken(subject[strings.LastIndexByte(subject, '.')+1:])
}

// Token makes a subject's token of a name: letters, digits, '-' and '_' stay,
// every other byte becomes '=' and two hexadecimal digits.
func Token(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
			b.WriteByte(c)
		default:
			b.WriteByte('=')
			b.WriteString(hex.EncodeToString([]byte{c}))
		}
	}
	return b.String()
}

// parseToken is the name that a token stands for.
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

// Permissions are the subjects that a node needs, and no others.
type Permissions struct{ Publish, Subscribe []string }

// PermissionsOf are those of a node: with them it can speak as itself alone, and
// hears nothing that is for others.
func PermissionsOf(cluster, node string) Permissions {
	s := subjects{cluster}
	return Permissions{
		Publish:   []string{prefix + Token(cluster) + ".*." + Token(node)},
		Subscribe: []string{s.to(node), s.unheardBy(node)},
	}
}

package natsnet

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/nats-io/nats.go"
)

// Security names files with what a connection proves and checks. Secrets are in files,
// since every user of a machine can read its command lines.
type Security struct {
	Creds string // a JWT and a seed, as nsc writes them
	NKey  string // the seed of an NKey
	Token string // a token
	CA    string // certificates, one of which must have signed the server's
	Cert  string // the node's own certificate, for mutual TLS
	Key   string // the key of Cert
}

// options returns the options of package nats that s stands for.
func (s *Security) options() (options []nats.Option, err error) {
	ways := 0
	for _, file := range []string{s.Creds, s.NKey, s.Token} {
		if file != "" {
			ways++
		}
	}
	switch {
	case ways > 1:
		return nil, errors.New("more than one of credentials, NKey and token")
	case (s.Cert == "") != (s.Key == ""):
		return nil, errors.New("a certificate without its key, or a key without its certificate")
	}
	for _, file := range []string{s.Creds, s.NKey, s.Token, s.CA, s.Cert, s.Key} {
		if file == "" {
			continue
		}
		if _, err := os.Stat(file); err != nil {
			return nil, err
		}
	}
	if s.Creds != "" {
		options = append(options, nats.UserCredentials(s.Creds))
	}
	if s.NKey != "" {
		option, err := nats.NkeyOptionFromSeed(s.NKey)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.NKey, err)
		}
		options = append(options, option)
	}
	if s.Token != "" {
		text, err := os.ReadFile(s.Token)
		if err != nil {
			return nil, err
		}
		options = append(options, nats.Token(strings.TrimSpace(string(text))))
	}
	if s.CA != "" {
		options = append(options, nats.RootCAs(s.CA))
	}
	if s.Cert != "" {
		options = append(options, nats.ClientCert(s.Cert, s.Key))
	}
	return options, nil
}

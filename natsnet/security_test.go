package natsnet_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"github.com/eddyrpc/eddy/internal/natsprocess"
	"github.com/eddyrpc/eddy/natsnet"
)

// An authority signs certificates.
type authority struct {
	t    *testing.T
	dir  string
	name string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newAuthority makes an authority with its certificate in <name>.pem.
func newAuthority(t *testing.T, dir, name string) *authority {
	a := &authority{t: t, dir: dir, name: name}
	a.cert, a.key = a.make(name, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// sign makes a certificate for this machine, in <name>.pem and <name>-key.pem.
func (a *authority) sign(name string) {
	a.make(name, &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
}

func (a *authority) make(name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber, template.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	by, signer := a.cert, a.key
	if by == nil {
		by, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	writePEM(a.t, filepath.Join(a.dir, name+".pem"), "CERTIFICATE", der)
	writePEM(a.t, filepath.Join(a.dir, name+"-key.pem"), "PRIVATE KEY", secret)
	return cert, key
}

func writePEM(t *testing.T, file, typ string, der []byte) {
	t.Helper()
	write(t, file, string(pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der})))
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// newKey makes an NKey and returns it, its public key and its seed.
func newKey(t *testing.T, create func() (nkeys.KeyPair, error)) (pair nkeys.KeyPair, public, seed string) {
	t.Helper()
	pair, err := create()
	if err != nil {
		t.Fatal(err)
	}
	public, err = pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	secret, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	return pair, public, string(secret)
}

// A lock is a way in which nodes authenticate: what the server's configuration says
// about it, the right key, wrong keys, and the secret that no log may show.
type lock struct {
	server string
	right  natsnet.Security
	wrong  map[string]natsnet.Security
	secret string
}

func tokenLock(t *testing.T, dir string) lock {
	right, wrong := filepath.Join(dir, "token"), filepath.Join(dir, "wrong-token")
	write(t, right, "s3cr3t-token\n")
	write(t, wrong, "other-token\n")
	return lock{
		"authorization { token: s3cr3t-token }",
		natsnet.Security{Token: right},
		map[string]natsnet.Security{"none": {}, "wrong": {Token: wrong}},
		"s3cr3t-token",
	}
}

func nkeyLock(t *testing.T, dir string) lock {
	_, public, seed := newKey(t, nkeys.CreateUser)
	_, _, other := newKey(t, nkeys.CreateUser)
	right, wrong := filepath.Join(dir, "n1.nk"), filepath.Join(dir, "wrong.nk")
	write(t, right, seed+"\n")
	write(t, wrong, other+"\n")
	return lock{
		"authorization { users: [ { nkey: " + public + " } ] }",
		natsnet.Security{NKey: right},
		map[string]natsnet.Security{"none": {}, "wrong": {NKey: wrong}},
		seed,
	}
}

// credsLock is a lock with an operator, an account, and a user who has a JWT.
func credsLock(t *testing.T, dir string) lock {
	operator, operatorID, _ := newKey(t, nkeys.CreateOperator)
	account, accountID, _ := newKey(t, nkeys.CreateAccount)
	stranger, _, _ := newKey(t, nkeys.CreateAccount)
	encode := func(c interface {
		Encode(nkeys.KeyPair) (string, error)
	}, by nkeys.KeyPair) string {
		text, err := c.Encode(by)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	operatorJWT := encode(jwt.NewOperatorClaims(operatorID), operator)
	accountJWT := encode(jwt.NewAccountClaims(accountID), operator)
	creds := func(file string, by nkeys.KeyPair) (path, seed string) {
		_, userID, seed := newKey(t, nkeys.CreateUser)
		text, err := jwt.FormatUserConfig(encode(jwt.NewUserClaims(userID), by), []byte(seed))
		if err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(dir, file)
		write(t, path, string(text))
		return path, seed
	}
	right, seed := creds("n1.creds", account)
	wrong, _ := creds("wrong.creds", stranger)
	return lock{
		fmt.Sprintf("operator: %s\nresolver: MEMORY\nresolver_preload: { %s: %s }\n", operatorJWT, accountID, accountJWT),
		natsnet.Security{Creds: right},
		map[string]natsnet.Security{"none": {}, "wrong": {Creds: wrong}},
		seed,
	}
}

func tlsLock(t *testing.T, dir string) lock {
	ours, theirs := newAuthority(t, dir, "ca"), newAuthority(t, dir, "other-ca")
	ours.sign("server")
	ours.sign("n1")
	theirs.sign("stranger")
	at := func(name string) string { return filepath.Join(dir, name+".pem") }
	text, err := os.ReadFile(at("n1-key"))
	if err != nil {
		t.Fatal(err)
	}
	return lock{
		fmt.Sprintf("tls { ca_file: %q, cert_file: %q, key_file: %q, verify: true }\n", at("ca"), at("server"), at("server-key")),
		natsnet.Security{CA: at("ca"), Cert: at("n1"), Key: at("n1-key")},
		map[string]natsnet.Security{
			"none":                        {},
			"no certificate of ours":      {CA: at("ca")},
			"a stranger's certificate":    {CA: at("ca"), Cert: at("stranger"), Key: at("stranger-key")},
			"a server we do not trust":    {CA: at("other-ca"), Cert: at("n1"), Key: at("n1-key")},
			"a server nobody vouches for": {Cert: at("n1"), Key: at("n1-key")},
		},
		strings.Split(string(text), "\n")[1],
	}
}

// Each way to authenticate admits those who have the key and rejects all others, who are
// told why; and no log shows a secret.
func TestSecurity(t *testing.T) {
	for name, make := range map[string]func(*testing.T, string) lock{
		"token": tokenLock, "NKey": nkeyLock, "credentials": credsLock, "TLS": tlsLock,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := make(t, t.TempDir())
			s, err := natsprocess.Start(natsprocess.Config{Dir: t.TempDir(), Count: 1, More: l.server})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
			var log lockedBuffer
			cfg := natsnet.Config{Servers: s.URLs(), Node: "n1", Security: l.right, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
			c := dialed(t, cfg)
			line := `{"src":"n1","dest":"n1","body":{"type":"x"}}`
			say(t, c, line)
			hear(t, c, line)
			if strings.Contains(log.String(), l.secret) {
				t.Errorf("the log shows a secret:\n%s", log.String())
			}
			for name, wrong := range l.wrong {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					isRejected(t, s.URLs(), wrong, l.secret)
				})
			}
		})
	}
}

// isRejected checks that a server rejects a node and that the node's log says why.
func isRejected(t *testing.T, servers string, wrong natsnet.Security, secret string) {
	var log lockedBuffer
	c := dial(t, natsnet.Config{Servers: servers, Node: "n1", Security: wrong, Log: slog.New(slog.NewTextHandler(&log, nil))})
	defer c.Close()
	wait(t, func() bool { return strings.Contains(log.String(), "level=WARN") })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if c.Joined(ctx) == nil {
		t.Error("the server admits the node")
	}
	if strings.Contains(log.String(), secret) {
		t.Errorf("the log shows a secret:\n%s", log.String())
	}
}

// A node that is rejected tries again: the mistake may be the server's, and be corrected.
func TestRejectedForSomeTime(t *testing.T) {
	t.Parallel()
	l := tokenLock(t, t.TempDir())
	strict := ownServer(t, -1, "another token")
	var log lockedBuffer
	c := dial(t, natsnet.Config{Servers: strict.ClientURL(), Node: "n1", Security: l.right, Log: slog.New(slog.NewTextHandler(&log, nil))})
	defer c.Close()
	wait(t, func() bool { return strings.Count(strings.ToLower(log.String()), "authorization violation") >= 3 })
	at := strict.Addr().(*net.TCPAddr).Port
	strict.Shutdown()
	strict.WaitForShutdown()
	ownServer(t, at, l.secret)
	joined(t, c)
}

package natsserver

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nkeys"

	"github.com/eddyrpc/eddy/natsnet"
)

// A Config describes the servers of a cluster and who may use them.
type Config struct {
	Cluster string
	Nodes   []string // each may join only under its own name
	Clients []string // nodes that only make calls
	// Services are the names under which eddy services joins. Their data are in
	// buckets whose names begin with eddy-<cluster>-.
	Services []string
	Servers  []string // host names or addresses of the servers
	Store    string   // the directory of a server's data
	// Paths of TLS files on the servers, all or none. With them both sides of a
	// connection show a certificate.
	CA, Cert, Key string
	// Keep keeps the secrets that the directory has already, and writes the other files
	// again. So a node can be added without a change for the others.
	Keep bool
}

// The ports of a server: for nodes and for the other servers.
const (
	clientPort = 4222
	routePort  = 6222
)

// Write writes into a new directory a configuration for each server, and for each node
// and client a file with the seed of its NKey, which is its secret.
func (c *Config) Write(dir string) error {
	if err := c.check(); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !(c.Keep && errors.Is(err, os.ErrExist)) {
		return err
	}
	var users strings.Builder
	for _, name := range append(append([]string(nil), c.Nodes...), c.Clients...) {
		public, err := c.writeSeed(filepath.Join(dir, natsnet.Token(name)+".nk"))
		if err != nil {
			return err
		}
		users.WriteString(user(name, public, natsnet.PermissionsOf(c.Cluster, name)))
	}
	public, err := c.writeSeed(filepath.Join(dir, servicesSeed))
	if err != nil {
		return err
	}
	users.WriteString(user("eddy services", public, c.servicesPermissions()))
	for i := range c.Servers {
		name := filepath.Join(dir, fmt.Sprintf("server-%d.conf", i+1))
		if err := os.WriteFile(name, []byte(c.server(i, users.String())), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) check() error {
	seen := map[string]bool{"services": true} // the name of the services' seed
	for _, name := range c.Services {
		seen[name] = true
	}
	for _, name := range append(append([]string(nil), c.Nodes...), c.Clients...) {
		switch {
		case name == "":
			return errors.New("a name must not be empty")
		case seen[name]:
			return fmt.Errorf("%s is given twice or is the name of a service", name)
		}
		seen[name] = true
	}
	tls := 0
	for _, path := range []string{c.CA, c.Cert, c.Key} {
		if path != "" {
			tls++
		}
	}
	switch {
	case len(c.Nodes) == 0:
		return errors.New("the cluster has no nodes")
	case len(c.Servers) == 0:
		return errors.New("the cluster has no servers")
	case tls != 0 && tls != 3:
		return errors.New("either all TLS files must be given or none")
	}
	return nil
}

// writeSeed makes an NKey, writes its seed to a file that only its owner can read, and
// returns its public key. If Keep is set and the file exists, it keeps the file.
func (c *Config) writeSeed(file string) (public string, err error) {
	if c.Keep {
		switch seed, err := os.ReadFile(file); {
		case err == nil:
			pair, err := nkeys.FromSeed(bytes.TrimSpace(seed))
			if err != nil {
				return "", fmt.Errorf("%s: %w", file, err)
			}
			defer pair.Wipe()
			return pair.PublicKey()
		case !errors.Is(err, os.ErrNotExist):
			return "", err
		}
	}
	pair, err := nkeys.CreateUser()
	if err != nil {
		return "", err
	}
	defer pair.Wipe()
	seed, err := pair.Seed()
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(file, append(seed, '\n'), 0o600); err != nil {
		return "", err
	}
	return pair.PublicKey()
}

const servicesSeed = "services.nk"

// servicesPermissions returns the permissions of all services, which are also the only
// ones to use JetStream.
func (c *Config) servicesPermissions() (p natsnet.Permissions) {
	for _, name := range c.Services {
		one := natsnet.PermissionsOf(c.Cluster, name)
		p.Publish = append(p.Publish, one.Publish...)
		p.Subscribe = append(p.Subscribe, one.Subscribe...)
	}
	p.Publish = append(p.Publish, "$JS.API.>", "$KV.>")
	p.Subscribe = append(p.Subscribe, "_INBOX.>")
	return p
}

// user returns the part of a configuration about a user: its public key and what it may
// publish and subscribe to.
func user(name, public string, may natsnet.Permissions) string {
	return fmt.Sprintf(`      { # %s
        nkey: %s
        permissions: {
          publish: { allow: %s }
          subscribe: { allow: %s }
        }
      }
`, strings.ToValidUTF8(strings.ReplaceAll(name, "\n", " "), "?"), public, quoted(may.Publish), quoted(may.Subscribe))
}

func quoted(subjects []string) string {
	var b strings.Builder
	for i, s := range subjects {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", s)
	}
	return "[" + b.String() + "]"
}

// server returns the configuration of server i.
func (c *Config) server(i int, users string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Server %d of %d of the Eddy cluster %q, written by eddy nats-config.\n", i+1, len(c.Servers), c.Cluster)
	fmt.Fprintf(&b, "server_name: %q\nport: %d\n", fmt.Sprintf("eddy-%d", i+1), clientPort)
	fmt.Fprintf(&b, "max_payload: 8MB\n\njetstream {\n  store_dir: %q\n}\n", c.Store)
	if c.CA != "" {
		b.WriteString("\n" + c.tls(""))
	}
	if len(c.Servers) > 1 {
		fmt.Fprintf(&b, "\ncluster {\n  name: %q\n  port: %d\n  routes: [\n", "eddy-"+natsnet.Token(c.Cluster), routePort)
		for other, host := range c.Servers {
			if other != i {
				fmt.Fprintf(&b, "    %q\n", fmt.Sprintf("nats://%s:%d", host, routePort))
			}
		}
		b.WriteString("  ]\n")
		if c.CA != "" {
			b.WriteString(c.tls("  "))
		}
		b.WriteString("}\n")
	}
	fmt.Fprintf(&b, "\naccounts {\n  EDDY: {\n    jetstream: enabled\n    users: [\n%s    ]\n  }\n  SYS: {}\n}\nsystem_account: SYS\n", users)
	return b.String()
}

func (c *Config) tls(indent string) string {
	return fmt.Sprintf("%[1]stls {\n%[1]s  ca_file: %[2]q\n%[1]s  cert_file: %[3]q\n%[1]s  key_file: %[4]q\n%[1]s  verify: true\n%[1]s}\n", indent, c.CA, c.Cert, c.Key)
}

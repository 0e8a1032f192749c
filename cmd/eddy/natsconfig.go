package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/natskv"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/natsserver"
)

// natsConfigCommand is `eddy nats-config`.
type natsConfigCommand struct {
	NodeIDs  []string `name:"node-ids" required:"" placeholder:"NAME" help:"The names of the nodes, separated by commas. Each can join only under its own name."`
	Clients  []string `placeholder:"NAME" help:"The names of clients, which call nodes by eddy call --as NAME."`
	Cluster  string   `default:"eddy" placeholder:"NAME" help:"The name of the cluster (${default})."`
	Replicas int      `default:"3" help:"The number of servers (${default})."`
	Servers  []string `placeholder:"HOSTS" help:"The host names of the servers. Without it, nats-1 and so on."`
	Store    string   `default:"/var/lib/nats" placeholder:"DIR" help:"The directory in which a server stores its data (${default})."`
	TLSCA    string   `name:"tls-ca" placeholder:"PATH" help:"The path, on a server, of the certificates of which one must have signed the others' certificates."`
	TLSCert  string   `name:"tls-cert" placeholder:"PATH" help:"The path, on a server, of its certificate."`
	TLSKey   string   `name:"tls-key" placeholder:"PATH" help:"The path, on a server, of the key of its certificate."`
	Out      string   `default:"nats-config" placeholder:"DIR" help:"The directory to create (${default})."`
	Keep     bool     `help:"If the directory exists, keep the secrets in it and write the other files again. Use it to add a node."`
}

func (natsConfigCommand) Help() string {
	return `It writes server-1.conf and so on, for nats-server -c, and for each node and client a file with its secret, such as n1.nk for eddy join --nkey n1.nk. services.nk is the secret of eddy services. The servers' files contain only public keys.

A node can send messages only under its own name and receives only messages to itself.`
}

func (c *natsConfigCommand) Run() error {
	servers := c.Servers
	if servers == nil {
		for i := range c.Replicas {
			servers = append(servers, fmt.Sprint("nats-", i+1))
		}
	}
	switch {
	case c.Replicas < 1 || c.Replicas > 5:
		return usageError("--replicas must be from 1 to 5")
	case len(servers) != c.Replicas:
		return usageError("--servers has %d names, --replicas is %d", len(servers), c.Replicas)
	}
	config := natsserver.Config{
		Cluster: c.Cluster, Nodes: c.NodeIDs, Clients: c.Clients, Services: natskv.Names(), Servers: servers, Store: c.Store,
		CA: c.TLSCA, Cert: c.TLSCert, Key: c.TLSKey, Keep: c.Keep,
	}
	if err := config.Write(c.Out); errors.Is(err, fs.ErrExist) {
		return usageError("%s exists already: add --keep to write the configurations again and keep the secrets in it, or name another directory with --out", c.Out)
	} else if err != nil {
		return usageError("%w", err)
	}
	fmt.Printf("%s: %d servers, %d nodes, %d clients\n", c.Out, len(servers), len(c.NodeIDs), len(c.Clients))
	return nil
}

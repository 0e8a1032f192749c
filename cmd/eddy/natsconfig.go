package main

import (
	"fmt"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/natskv"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/natsserver"
)

// natsConfigCommand is `eddy nats-config`.
type natsConfigCommand struct {
	NodeIDs  []string `name:"node-ids" required:"" help:"Who may join, with commas between, each as itself alone."`
	Clients  []string `help:"Who may call, by eddy call --as NAME, likewise."`
	Cluster  string   `default:"eddy" help:"The cluster's name (${default})."`
	Replicas int      `default:"3" help:"How many servers (${default})."`
	Servers  []string `placeholder:"HOSTS" help:"Their host names, as many; nats-1 and so on by default."`
	Store    string   `default:"/var/lib/nats" placeholder:"DIR" help:"Where a server keeps its data (${default})."`
	TLSCA    string   `name:"tls-ca" placeholder:"PATH" help:"On the servers: the certificates that others' must be signed by."`
	TLSCert  string   `name:"tls-cert" placeholder:"PATH" help:"On the servers: a server's certificate."`
	TLSKey   string   `name:"tls-key" placeholder:"PATH" help:"On the servers: its key."`
	Out      string   `default:"nats-config" placeholder:"DIR" help:"The new directory to write (${default})."`
	Keep     bool     `help:"If the directory is there, keep the secrets in it and write the rest anew: for another node."`
}

func (natsConfigCommand) Help() string {
	return `It writes server-1.conf and so on, for nats-server -c, and for each node and client a file with its secret, such as n1.nk, for eddy join --nkey n1.nk; services.nk is for eddy services. The servers know only the public halves.

A node is allowed to speak as itself and to hear what is for it, and nothing else.`
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
		return usageError("--servers names %d, --replicas says %d", len(servers), c.Replicas)
	}
	config := natsserver.Config{
		Cluster: c.Cluster, Nodes: c.NodeIDs, Clients: c.Clients, Services: natskv.Names(), Servers: servers, Store: c.Store,
		CA: c.TLSCA, Cert: c.TLSCert, Key: c.TLSKey, Keep: c.Keep,
	}
	if err := config.Write(c.Out); err != nil {
		return usageError("%w", err)
	}
	fmt.Printf("%s: %d servers, %d nodes, %d clients\n", c.Out, len(servers), len(c.NodeIDs), len(c.Clients))
	return nil
}

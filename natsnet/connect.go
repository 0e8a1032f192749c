package natsnet

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// ClusterName returns the name of the cluster, the default if there is none.
func (cfg *Config) ClusterName() string { return cmp.Or(cfg.Cluster, DefaultCluster) }

// Connect connects to the servers as Dial does, for other uses of them.
func Connect(cfg Config, more ...nats.Option) (*nats.Conn, error) {
	return cfg.connect("eddy "+cfg.ClusterName(), &limitedLog{to: cfg.Log}, func() {}, more...)
}

// connect makes a connection that outlives its servers. connected is called each time when
// what waited to be sent has been sent to a server.
func (cfg *Config) connect(name string, log *limitedLog, connected func(), more ...nats.Option) (*nats.Conn, error) {
	options, err := cfg.options()
	if err != nil {
		return nil, fmt.Errorf("natsnet: %w", err)
	}
	var made atomic.Pointer[nats.Conn]
	options = append(options,
		nats.Name(name),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // the mistake may be the server's, and be corrected
		nats.CustomReconnectDelay(func(int) time.Duration {
			// A server that rejects the node is reported nowhere else.
			if nc := made.Load(); nc != nil && nc.LastError() != nil {
				log.unreachable(nc.LastError())
			}
			return 100*time.Millisecond + rand.N(200*time.Millisecond)
		}),
		nats.PingInterval(2*time.Second), // a server that was cut off is noticed after 4 s
		nats.MaxPingsOutstanding(1),
		nats.Timeout(2*time.Second),
		nats.SyncQueueLen(maxMessages),
		nats.ConnectHandler(func(nc *nats.Conn) {
			connected()
			log.info("connected", "server", nc.ConnectedServerName())
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			connected()
			log.info("reconnected", "server", nc.ConnectedServerName())
		}),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { log.unreachable(err) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.warn("disconnected", "error", err)
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.warn("error of NATS", "error", err) }),
	)
	options = append(options, more...)
	nc, err := nats.Connect(cmp.Or(cfg.Servers, DefaultServers), options...)
	if err != nil {
		return nil, fmt.Errorf("natsnet: %w", err)
	}
	made.Store(nc)
	return nc, nil
}

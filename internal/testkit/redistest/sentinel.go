package redistest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

const (
	sentinels     = 3
	quorum        = 2
	sentinelLimit = 60 * time.Second
)

// Group is a master with replicas and three sentinels. The sentinels consider the
// master down after half a second without a reply.
type Group struct {
	// Name is what the sentinels call the master.
	Name string
	// Servers are the initial master and its replicas, in this order.
	Servers []*Server
	// Sentinels require a password when Options sets one, and don't use TLS.
	Sentinels []*Server

	t testing.TB
}

// Sentinel starts a master with one replica and three sentinels, and waits until
// every sentinel has discovered the others.
func Sentinel(t testing.TB) *Group {
	t.Helper()
	return Options{}.Sentinel(t)
}

// Sentinel starts a master with Options.Replicas replicas, at least one, and
// three sentinels. Options.TLS is for single servers only.
func (o Options) Sentinel(t testing.TB) *Group {
	t.Helper()
	o.refuseTLS(t)
	g := &Group{t: t, Name: "mymaster"}
	master := start(t, o.node())
	g.Servers = append(g.Servers, master)
	for range max(o.Replicas, 1) {
		replica := o.node()
		replica.conf = append(replica.conf, fmt.Sprintf("replicaof %s %s", loopback, master.Port()))
		g.Servers = append(g.Servers, start(t, replica))
	}
	testkit.NoErrorWithin(t, sentinelLimit, g.checkReplication)
	for range sentinels {
		g.Sentinels = append(g.Sentinels, start(t, o.sentinel(g.Name, master)))
	}
	g.shortenIntervals()
	testkit.NoErrorWithin(t, sentinelLimit, g.checkSentinels)
	return g
}

// Addrs returns the addresses of the sentinels.
func (g *Group) Addrs() []string {
	var addrs []string
	for _, s := range g.Sentinels {
		addrs = append(addrs, s.Addr)
	}
	return addrs
}

// Master returns the server that all sentinels name as the master. It waits until
// they agree.
func (g *Group) Master() *Server {
	g.t.Helper()
	var master *Server
	testkit.NoErrorWithin(g.t, sentinelLimit, func() (err error) {
		master, err = g.agreedMaster()
		return err
	})
	return master
}

// Failover kills the master and waits until all sentinels agree on another one that
// accepts writes, which it returns. Start the old one to make it a replica.
func (g *Group) Failover() *Server {
	g.t.Helper()
	old := g.Master()
	old.Stop()
	var master *Server
	testkit.NoErrorWithin(g.t, sentinelLimit, func() (err error) {
		if master, err = g.agreedMaster(); err != nil {
			return err
		}
		if master == old {
			return errors.New("the sentinels still name the killed master")
		}
		return master.checkReply("ROLE", "master")
	})
	return master
}

func (g *Group) agreedMaster() (*Server, error) {
	var addr string
	for _, s := range g.Sentinels {
		text, err := s.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", g.Name)
		if err != nil {
			return nil, err
		}
		if addr != "" && addr != text {
			return nil, errors.New("the sentinels disagree on the master")
		}
		addr = text
	}
	for _, s := range g.Servers {
		if addr == loopback+"\n"+s.Port() {
			return s, nil
		}
	}
	return nil, fmt.Errorf("the sentinels name an unknown master %q", addr)
}

func (o Options) sentinel(name string, master *Server) node {
	line := func(format string, args ...any) string {
		return fmt.Sprintf("sentinel "+strings.Replace(format, "NAME", name, 1), args...)
	}
	n := node{args: []string{"--sentinel"}, conf: []string{
		line("monitor NAME %s %s %d", loopback, master.Port(), quorum),
		line("auth-user NAME %s", adminName),
		line("auth-pass NAME %s", adminPassword),
		line("sentinel-user %s", adminName),
		line("sentinel-pass %s", adminPassword),
		line("down-after-milliseconds NAME 500"),
		line("failover-timeout NAME 3000"),
	}}
	if o.SentinelPassword != "" {
		n.conf = append(n.conf, "requirepass "+strconv.Quote(o.SentinelPassword))
	}
	for _, user := range o.SentinelUsers {
		n.conf = append(n.conf, "user "+user)
	}
	return n
}

// shortenIntervals shortens the intervals at which the sentinels exchange messages.
// Redis before 7.0 refuses this, and a failover takes some seconds longer there.
// PING-PERIOD stays: a replica that hasn't replied for five periods isn't promoted,
// and sentinels send INFO to replicas only once a second.
func (g *Group) shortenIntervals() {
	for _, s := range g.Sentinels {
		_, _ = s.Do("SENTINEL", "DEBUG", "INFO-PERIOD", "200", "PUBLISH-PERIOD", "200",
			"ASK-PERIOD", "100")
	}
}

// Sync waits until the replicas have what the master has now.
func (g *Group) Sync() {
	g.t.Helper()
	master := g.Master()
	for _, s := range g.Servers {
		if s != master && s.proc != nil {
			awaitSync(g.t, master, s)
		}
	}
}

func (g *Group) checkReplication() error {
	for _, s := range g.Servers[1:] {
		if err := s.checkReply("INFO replication", "master_link_status:up"); err != nil {
			return err
		}
	}
	return nil
}

func (g *Group) checkSentinels() error {
	want := fmt.Sprintf("status=ok,address=%s,slaves=%d,sentinels=%d",
		g.Servers[0].Addr, len(g.Servers)-1, sentinels)
	for _, s := range g.Sentinels {
		if err := s.checkReply("INFO sentinel", want); err != nil {
			return err
		}
	}
	return nil
}

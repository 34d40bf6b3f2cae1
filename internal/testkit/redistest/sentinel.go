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

// Group is a master with replicas, watched by three sentinels that replace it
// half a second after it is gone.
type Group struct {
	// Name is what the sentinels call the master.
	Name string
	// Servers are the master, first at the start, and its replicas.
	Servers []*Server
	// Sentinels ask for a password where Options says so, and speak no TLS.
	Sentinels []*Server

	t testing.TB
}

// Sentinel starts a master with one replica and three sentinels, and waits
// until they know one another.
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
	testkit.NoErrorWithin(t, sentinelLimit, g.replicated)
	for range sentinels {
		g.Sentinels = append(g.Sentinels, start(t, o.sentinel(g.Name, master)))
	}
	g.hurry()
	testkit.NoErrorWithin(t, sentinelLimit, g.watched)
	return g
}

// Addrs are the addresses of the sentinels.
func (g *Group) Addrs() []string {
	var addrs []string
	for _, s := range g.Sentinels {
		addrs = append(addrs, s.Addr)
	}
	return addrs
}

// Master is the server that all sentinels agree on.
func (g *Group) Master() *Server {
	g.t.Helper()
	var master *Server
	testkit.NoErrorWithin(g.t, sentinelLimit, func() (err error) {
		master, err = g.agreed()
		return err
	})
	return master
}

// Failover kills the master and returns its successor once all sentinels agree
// on it and it takes writes. Start on the old one makes it a replica.
func (g *Group) Failover() *Server {
	g.t.Helper()
	old := g.Master()
	old.Stop()
	var master *Server
	testkit.NoErrorWithin(g.t, sentinelLimit, func() (err error) {
		if master, err = g.agreed(); err != nil {
			return err
		}
		if master == old {
			return errors.New("the sentinels still name the dead master")
		}
		return master.says("ROLE", "master")
	})
	return master
}

func (g *Group) agreed() (*Server, error) {
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

// hurry shortens the pauses between the sentinels' rounds. Redis before 7.0
// can't, and takes some seconds longer. PING-PERIOD is left alone: a replica not
// heard of for five such periods can't be promoted, and they ask only each second.
func (g *Group) hurry() {
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

func (g *Group) replicated() error {
	for _, s := range g.Servers[1:] {
		if err := s.says("INFO replication", "master_link_status:up"); err != nil {
			return err
		}
	}
	return nil
}

func (g *Group) watched() error {
	want := fmt.Sprintf("status=ok,address=%s,slaves=%d,sentinels=%d",
		g.Servers[0].Addr, len(g.Servers)-1, sentinels)
	for _, s := range g.Sentinels {
		if err := s.says("INFO sentinel", want); err != nil {
			return err
		}
	}
	return nil
}

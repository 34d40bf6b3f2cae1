package redistest

import (
	"fmt"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

const (
	hashSlots    = 16384
	clusterLimit = 60 * time.Second
)

// Nodes are the servers of a running cluster.
type Nodes struct {
	// Masters own equal ranges of the hash slots, in this order.
	Masters []*Server
	// Replicas: replica i replicates master i modulo len(Masters).
	Replicas []*Server

	t testing.TB
}

// Cluster starts a cluster of masters without replicas and waits until every node
// reports cluster_state:ok. That takes Redis two to three seconds.
func Cluster(t testing.TB, masters int) *Nodes {
	t.Helper()
	return Options{}.Cluster(t, masters)
}

// Cluster starts a cluster whose masters have Options.Replicas replicas each.
// Options.TLS is for single servers only.
func (o Options) Cluster(t testing.TB, masters int) *Nodes {
	t.Helper()
	o.refuseTLS(t)
	spec := o.node()
	spec.conf = append(spec.conf, "cluster-enabled yes", "cluster-node-timeout 1500")
	n := &Nodes{t: t}
	for range masters {
		n.Masters = append(n.Masters, start(t, spec))
	}
	for range masters * o.Replicas {
		n.Replicas = append(n.Replicas, start(t, spec))
	}
	n.meet()
	n.assignSlots()
	testkit.NoErrorWithin(t, clusterLimit, n.checkAllMet)
	n.assignReplicas()
	testkit.NoErrorWithin(t, clusterLimit, n.checkHealthy)
	return n
}

// Addrs returns the addresses of all nodes, masters first.
func (n *Nodes) Addrs() []string {
	var addrs []string
	for _, s := range n.all() {
		addrs = append(addrs, s.Addr)
	}
	return addrs
}

// Sync waits until the replicas have what the masters have now.
func (n *Nodes) Sync() {
	n.t.Helper()
	for i, s := range n.Replicas {
		awaitSync(n.t, n.Masters[i%len(n.Masters)], s)
	}
}

func (n *Nodes) all() []*Server {
	return append(append([]*Server{}, n.Masters...), n.Replicas...)
}

func (n *Nodes) meet() {
	all := n.all()
	for i, s := range all {
		s.MustDo("CLUSTER", "SET-CONFIG-EPOCH", fmt.Sprint(i+1))
		for _, other := range all[:i] {
			s.MustDo("CLUSTER", "MEET", loopback, other.Port())
		}
	}
}

func (n *Nodes) assignSlots() {
	for i, s := range n.Masters {
		args := []string{"CLUSTER", "ADDSLOTS"}
		for slot := i * hashSlots / len(n.Masters); slot < (i+1)*hashSlots/len(n.Masters); slot++ {
			args = append(args, fmt.Sprint(slot))
		}
		s.MustDo(args...)
	}
}

func (n *Nodes) assignReplicas() {
	for i, s := range n.Replicas {
		s.MustDo("CLUSTER", "REPLICATE", n.Masters[i%len(n.Masters)].MustDo("CLUSTER", "MYID"))
	}
}

func (n *Nodes) checkAllMet() error {
	return n.checkEach("CLUSTER INFO", fmt.Sprintf("cluster_known_nodes:%d\r", len(n.all())))
}

func (n *Nodes) checkHealthy() error {
	if err := n.checkEach("CLUSTER INFO", "cluster_state:ok"); err != nil {
		return err
	}
	for _, s := range n.Replicas {
		if err := s.checkReply("INFO replication", "master_link_status:up"); err != nil {
			return err
		}
	}
	return nil
}

func (n *Nodes) checkEach(command, want string) error {
	for _, s := range n.all() {
		if err := s.checkReply(command, want); err != nil {
			return err
		}
	}
	return nil
}

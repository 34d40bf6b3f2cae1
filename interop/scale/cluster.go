package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"wxgate/internal/testkit/process"
	"wxgate/interop/rig"
)

// node is one redis-server.
type node struct {
	*process.Process
	address string
	start   func() (*process.Process, error)
}

// cluster is three masters with a replica each.
type cluster struct{ nodes []*node }

func startCluster(ctx context.Context, r *rig.Rig) (*cluster, error) {
	c := &cluster{}
	for i := range 6 {
		port, err := r.Port()
		if err != nil {
			return nil, err
		}
		dir := r.Path(fmt.Sprintf("node%d", i)) // one for each node: nodes.conf and what a replica receives are in it
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		coverage := map[bool]string{true: "yes", false: "no"}[*fullCoverage]
		n := &node{address: port.Addr(), start: func() (*process.Process, error) {
			return r.Start("redis", exec.Command("redis-server", "--bind", "127.0.0.1", "--port", fmt.Sprint(port.Number), "--save", "", "--dir", dir,
				"--cluster-enabled", "yes", "--cluster-node-timeout", fmt.Sprint(*nodeTimeout),
				"--cluster-require-full-coverage", coverage, "--maxmemory-policy", "noeviction"))
		}}
		if n.Process, err = n.start(); err != nil {
			return nil, err
		}
		if err := n.Listening(ctx, "tcp", n.address); err != nil {
			return nil, err
		}
		c.nodes = append(c.nodes, n)
	}
	args := append([]string{"--cluster", "create"}, c.addresses()...)
	if out, err := exec.CommandContext(ctx, "redis-cli", append(args, "--cluster-replicas", "1", "--cluster-yes")...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("redis-cli --cluster create: %w\n%s", err, out)
	}
	return c, c.await(ctx, c.healthy)
}

func (c *cluster) addresses() (list []string) {
	for _, n := range c.nodes {
		list = append(list, n.address)
	}
	return list
}

func quoted(list []string) string {
	var b strings.Builder
	for _, s := range list {
		fmt.Fprintf(&b, "%q, ", s)
	}
	return b.String()
}

// do runs one command by redis-cli.
func (n *node) do(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, port, _ := strings.Cut(n.address, ":")
	out, err := exec.CommandContext(ctx, "redis-cli", append([]string{"-p", port}, args...)...).CombinedOutput()
	return strings.ReplaceAll(string(out), "\r", ""), err
}

// info returns a number of INFO, or 0 when the node doesn't reply.
func (n *node) info(section, field string) float64 {
	out, _ := n.do("INFO", section)
	for line := range strings.Lines(out) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), field+":"); ok {
			value, _ := strconv.ParseFloat(text, 64)
			return value
		}
	}
	return 0
}

// infoHas reports whether a section of INFO contains the text.
func (n *node) infoHas(section, text string) bool {
	out, _ := n.do("INFO", section)
	return strings.Contains(out, text)
}

func (n *node) isMaster() bool { return n.infoHas("replication", "role:master") }

// masters and replicas go by the role that the nodes themselves report.
func (c *cluster) masters() (list []*node)  { return c.withRole("role:master") }
func (c *cluster) replicas() (list []*node) { return c.withRole("role:slave") }

func (c *cluster) withRole(role string) (list []*node) {
	for _, n := range c.nodes {
		if n.infoHas("replication", role) {
			list = append(list, n)
		}
	}
	return list
}

// replicaOf returns the replica of a master, or nil.
func (c *cluster) replicaOf(master *node) *node {
	_, port, _ := strings.Cut(master.address, ":")
	for _, n := range c.replicas() {
		if n.infoHas("replication", "master_port:"+port+"\n") {
			return n
		}
	}
	return nil
}

// healthy reports whether every node sees all hash slots served, and three masters have
// replicas that are connected.
func (c *cluster) healthy() bool {
	for _, n := range c.nodes {
		if out, _ := n.do("CLUSTER", "INFO"); !strings.Contains(out, "cluster_state:ok") || !strings.Contains(out, "cluster_slots_ok:16384") {
			return false
		}
		if !n.isMaster() && !n.infoHas("replication", "master_link_status:up") {
			return false
		}
	}
	return len(c.masters()) == 3
}

// await waits until ready returns true, for two minutes at most.
func (c *cluster) await(ctx context.Context, ready func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for !ready() {
		if err := rig.Pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("the cluster is not in the expected state: %w", err)
		}
	}
	return nil
}

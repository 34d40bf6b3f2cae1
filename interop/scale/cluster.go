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
		dir := r.Path(fmt.Sprintf("node%d", i)) // its own: a replica keeps what it is sent in a file there
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
	return c, c.await(ctx, c.well)
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

// do runs one command.
func (n *node) do(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, port, _ := strings.Cut(n.address, ":")
	out, err := exec.CommandContext(ctx, "redis-cli", append([]string{"-p", port}, args...)...).CombinedOutput()
	return strings.ReplaceAll(string(out), "\r", ""), err
}

// info is a number of INFO, 0 where the node doesn't answer.
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

func (n *node) says(section, text string) bool {
	out, _ := n.do("INFO", section)
	return strings.Contains(out, text)
}

func (n *node) isMaster() bool { return n.says("replication", "role:master") }

// masters and replicas as the nodes themselves say.
func (c *cluster) masters() (list []*node)  { return c.having("role:master") }
func (c *cluster) replicas() (list []*node) { return c.having("role:slave") }

func (c *cluster) having(role string) (list []*node) {
	for _, n := range c.nodes {
		if n.says("replication", role) {
			list = append(list, n)
		}
	}
	return list
}

// replicaOf is the replica of a master.
func (c *cluster) replicaOf(master *node) *node {
	_, port, _ := strings.Cut(master.address, ":")
	for _, n := range c.replicas() {
		if n.says("replication", "master_port:"+port+"\n") {
			return n
		}
	}
	return nil
}

// well tells that all slots are served, and each of six nodes does its part.
func (c *cluster) well() bool {
	for _, n := range c.nodes {
		if out, _ := n.do("CLUSTER", "INFO"); !strings.Contains(out, "cluster_state:ok") || !strings.Contains(out, "cluster_slots_ok:16384") {
			return false
		}
		if !n.isMaster() && !n.says("replication", "master_link_status:up") {
			return false
		}
	}
	return len(c.masters()) == 3
}

func (c *cluster) await(ctx context.Context, ready func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for !ready() {
		if err := rig.Pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("the cluster doesn't get well: %w", err)
		}
	}
	return nil
}

// usage is what the nodes have used so far.
type usage struct {
	cpu, memory, commands float64 // seconds, bytes, of all nodes together
}

func used(nodes []*node) (u usage) {
	for _, n := range nodes {
		u.cpu += n.info("cpu", "used_cpu_user") + n.info("cpu", "used_cpu_sys")
		u.memory += n.info("memory", "used_memory")
		u.commands += n.info("stats", "total_commands_processed")
	}
	return u
}

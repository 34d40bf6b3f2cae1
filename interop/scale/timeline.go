package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wxgate/interop/rig"
)

// phase is a part of the run.
type phase struct {
	name       string
	begin, end time.Time
}

// timeline is the phases of the run, in their order.
type timeline struct{ phases []phase }

// next ends the current phase and starts one with this name.
func (t *timeline) next(name string) {
	now := time.Now()
	if n := len(t.phases); n > 0 {
		t.phases[n-1].end = now
	}
	t.phases = append(t.phases, phase{name: name, begin: now})
}

// times is how long the cluster itself took.
type times struct{ promoted, resync time.Duration }

// run goes through the phases: no fault, killed master, returned master, planned failover.
func (t *timeline) run(ctx context.Context, c *cluster) (took times, err error) {
	t.next("before")
	if err := rig.Pause(ctx, quiet); err != nil {
		return took, err
	}
	master := c.masters()[0]
	if took.promoted, err = t.killMaster(ctx, c, master); err != nil {
		return took, err
	}
	if took.resync, err = t.returnMaster(ctx, c, master); err != nil {
		return took, err
	}
	t.next("it takes over as planned (CLUSTER FAILOVER)")
	if out, err := master.do("CLUSTER", "FAILOVER"); err != nil {
		return took, fmt.Errorf("CLUSTER FAILOVER: %w: %s", err, out)
	}
	if err := c.await(ctx, master.isMaster); err != nil {
		return took, err
	}
	err = rig.Pause(ctx, quiet)
	t.next("end")
	return took, err
}

// killMaster kills a master and returns how long it took until its replica was the master.
func (t *timeline) killMaster(ctx context.Context, c *cluster, master *node) (promoted time.Duration, err error) {
	replica := c.replicaOf(master)
	if replica == nil {
		return 0, errors.New("the master has no replica")
	}
	t.next("a master is killed")
	start := time.Now()
	master.Kill()
	if err := c.await(ctx, replica.isMaster); err != nil {
		return 0, err
	}
	promoted = time.Since(start)
	return promoted, rig.Pause(ctx, margin)
}

// returnMaster starts a killed master again, as a replica, and returns how long it took
// until the cluster was healthy.
func (t *timeline) returnMaster(ctx context.Context, c *cluster, master *node) (resync time.Duration, err error) {
	t.next("it comes back as a replica")
	start := time.Now()
	if master.Process, err = master.start(); err != nil {
		return 0, err
	}
	if err := c.await(ctx, c.healthy); err != nil {
		return 0, err
	}
	resync = time.Since(start)
	return resync, rig.Pause(ctx, quiet)
}

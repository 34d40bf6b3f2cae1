package main

import (
	"context"
	"time"

	"wxgate/interop/rig"
	"wxgate/session"
)

const (
	quiet  = 10 * time.Second // before and after each event
	margin = 15 * time.Second // how much longer than the cluster the gateways may take to recover

	// replicationLag is the time before the kill in which a write may not have reached the
	// replica. Redis acknowledges writes before they are replicated.
	replicationLag = time.Second
)

// failover kills a master under load, starts it again, and makes it the master again by a
// planned failover. It prints what clients got in each phase and what was lost.
func failover(ctx context.Context, r *rig.Rig, c *cluster, store *session.Store, gateways [2]*rig.Gateway, tokens []string) error {
	sim, err := r.Simulator(ctx)
	if err != nil {
		return err
	}
	l := newLoad(gateways, sim, tokens)
	if err := l.warm(ctx); err != nil {
		return err
	}
	var t timeline
	stop := l.start(ctx)
	took, err := t.run(ctx, c)
	results := stop()
	if err != nil {
		return err
	}
	reportPhases(r, &t, results)
	if err := reportRecovery(ctx, r, store, t.phases[1].begin, took, results, tokens); err != nil {
		return err
	}
	return reportMemory(gateways)
}

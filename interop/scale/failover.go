package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"wxgate/interop/rig"
	"wxgate/session"
)

const (
	quiet  = 10 * time.Second // before and after each event
	slow   = time.Second
	margin = 15 * time.Second // that a recovery may take beyond the cluster's own
	recent = time.Second      // before the kill: what may not have reached the replica
)

// phase is a part of the run.
type phase struct {
	name       string
	begin, end time.Time
}

// timeline is the run in its phases.
type timeline struct{ phases []phase }

func (t *timeline) next(name string) {
	now := time.Now()
	if n := len(t.phases); n > 0 {
		t.phases[n-1].end = now
	}
	t.phases = append(t.phases, phase{name: name, begin: now})
}

// failover kills a master under load, starts it again, and has it take over as planned.
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
	took, err := t.play(ctx, c)
	results := stop()
	if err != nil {
		return err
	}
	report(r, &t, results)
	killed := t.phases[1].begin
	recovered := lastFailure(results, killed).Sub(killed)
	lost, late, err := missing(ctx, store, results, killed)
	if err != nil {
		return err
	}
	table := rig.NewTable("node timeout", "full coverage", "replica is master after", "last refusal after the kill", "old master in step after", "acknowledged logins lost", "of sessions of before")
	ofBefore, err := missingOf(ctx, store, tokens)
	if err != nil {
		return err
	}
	table.Add(fmt.Sprintf("%d ms", *nodeTimeout), fmt.Sprint(*fullCoverage), seconds(took.promoted),
		seconds(recovered)+" "+r.Check(recovered < took.promoted+margin), seconds(took.resync),
		fmt.Sprintf("%d of %d %s", lost, countLogins(results), r.Check(late == 0)), fmt.Sprintf("%d of %d %s", ofBefore, len(tokens), r.Check(ofBefore == 0)))
	table.Print("failover")
	return memory(gateways)
}

// times are what the cluster itself needed.
type times struct{ promoted, resync time.Duration }

// play goes through the events.
func (t *timeline) play(ctx context.Context, c *cluster) (took times, err error) {
	t.next("before")
	if err := rig.Pause(ctx, quiet); err != nil {
		return took, err
	}
	master := c.masters()[0]
	replica := c.replicaOf(master)
	if replica == nil {
		return took, errors.New("the master has no replica")
	}
	t.next("a master is killed")
	begin := time.Now()
	master.Kill()
	if err := c.await(ctx, replica.isMaster); err != nil {
		return took, err
	}
	took.promoted = time.Since(begin)
	if err := rig.Pause(ctx, margin); err != nil {
		return took, err
	}
	t.next("it comes back as a replica")
	begin = time.Now()
	if master.Process, err = master.start(); err != nil {
		return took, err
	}
	if err := c.await(ctx, c.well); err != nil {
		return took, err
	}
	took.resync = time.Since(begin)
	if err := rig.Pause(ctx, quiet); err != nil {
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

// report tells of each phase and kind. A session that is known is never refused, and
// nobody is ever asked to log in again.
func report(r *rig.Rig, t *timeline, results []sent) {
	table := rig.NewTable("phase", "request", "sent", "refused", "over a second", "p50", "p99", "longest", "")
	for i, p := range t.phases[:len(t.phases)-1] {
		for _, kind := range []string{known, unknown, login} {
			var latencies []time.Duration
			refusals, slowOnes, ok := map[string]int{}, 0, true
			for _, s := range results {
				if end := s.due.Add(s.latency); s.kind != kind || end.Before(p.begin) || !end.Before(p.end) {
					continue // it counts where it was answered
				}
				latencies = append(latencies, s.latency)
				if s.latency > slow {
					slowOnes++
				}
				if s.outcome != "200" {
					refusals[s.outcome]++
					ok = ok && kind != known && i > 0 && strings.HasPrefix(s.outcome, "503 ")
				}
			}
			slices.Sort(latencies)
			if n := len(latencies); n > 0 {
				table.Add(p.name, kind, fmt.Sprint(n), counted(refusals), fmt.Sprint(slowOnes), ms(latencies[n/2]), ms(latencies[n*99/100]), ms(latencies[n-1]), r.Check(ok))
			}
		}
	}
	table.Print(fmt.Sprintf("%d requests a second to two gateways on a cluster of six nodes", *rate))
}

func counted(refusals map[string]int) string {
	if len(refusals) == 0 {
		return "0"
	}
	var texts []string
	for _, what := range slices.Sorted(maps.Keys(refusals)) {
		texts = append(texts, fmt.Sprintf("%d × %.60s", refusals[what], what))
	}
	return strings.Join(texts, ", ")
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond)) }

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// lastFailure is when the last request that failed after a time was answered, or that time.
func lastFailure(results []sent, after time.Time) time.Time {
	last := after
	for _, s := range results {
		if end := s.due.Add(s.latency); s.outcome != "200" && end.After(last) {
			last = end
		}
	}
	return last
}

func countLogins(results []sent) (n int) {
	for _, s := range results {
		if s.token != "" {
			n++
		}
	}
	return n
}

// authenticate asks again where a busy machine has let Redis's time run out: what counts
// here is whether the session is there.
func authenticate(ctx context.Context, store *session.Store, token string) error {
	for try := 1; ; try++ {
		_, err := store.Authenticate(ctx, token)
		if !errors.Is(err, session.ErrUnavailable) || try == 10 {
			return err
		}
		if err := rig.Pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// missing counts the logins that were answered with a token whose session is gone, and
// those among them that no replication lag explains.
func missing(ctx context.Context, store *session.Store, results []sent, killed time.Time) (lost, late int, err error) {
	for _, s := range results {
		if s.token == "" {
			continue
		}
		err := authenticate(ctx, store, s.token)
		switch {
		case errors.Is(err, session.ErrSessionEnded):
			lost++
			if answered := s.due.Add(s.latency); answered.Before(killed.Add(-recent)) || s.due.After(killed) {
				late++
			}
		case err != nil:
			return 0, 0, err
		}
	}
	return lost, late, nil
}

// missingOf counts the sessions of before that are gone. The store's own cache must not
// answer: it has those of the look-ups only, for some seconds.
func missingOf(ctx context.Context, store *session.Store, tokens []string) (int, error) {
	var lost atomic.Int64
	err := inParallel(ctx, len(tokens), func(i int) error {
		err := authenticate(ctx, store, tokens[i])
		if errors.Is(err, session.ErrSessionEnded) {
			lost.Add(1)
			return nil
		}
		return err
	})
	return int(lost.Load()), err
}

// memory tells what the gateways take.
func memory(gateways [2]*rig.Gateway) error {
	table := rig.NewTable("gateway", "resident MiB")
	for i, g := range gateways {
		rss, err := g.Memory("VmRSS")
		if err != nil {
			return err
		}
		table.Add(fmt.Sprint(i+1), rig.MiB(rss))
	}
	table.Print("memory")
	return nil
}

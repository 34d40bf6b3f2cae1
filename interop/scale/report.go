package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"wxgate/interop/rig"
	"wxgate/session"
)

// reportPhases prints what clients got, for each phase and kind of request. The check fails
// when a known session was refused, when anything was refused before the first event, and
// on any other refusal than a 503: a 401 would make the client log in again.
func reportPhases(r *rig.Rig, t *timeline, results []sent) {
	table := rig.NewTable("phase", "request", "sent", "refused", "over a second", "p50", "p99", "longest", "")
	for i, p := range t.phases[:len(t.phases)-1] {
		for _, kind := range []string{known, unknown, login} {
			if row := phaseRow(r, p, kind, results, i > 0); row != nil {
				table.Add(row...)
			}
		}
	}
	table.Print(fmt.Sprintf("%d requests a second to two gateways on a cluster of six nodes", *rate))
}

// phaseRow is the row of one kind of request, nil when there was none. A request counts in
// the phase in which it ended.
func phaseRow(r *rig.Rig, p phase, kind string, results []sent, mayRefuse bool) []string {
	var latencies []time.Duration
	refusals, slow, ok := map[string]int{}, 0, true
	for _, s := range results {
		if end := s.end(); s.kind != kind || end.Before(p.begin) || !end.Before(p.end) {
			continue
		}
		latencies = append(latencies, s.latency)
		if s.latency > time.Second {
			slow++
		}
		if s.outcome != "200" {
			refusals[s.outcome]++
			ok = ok && kind != known && mayRefuse && strings.HasPrefix(s.outcome, "503 ")
		}
	}
	n := len(latencies)
	if n == 0 {
		return nil
	}
	slices.Sort(latencies)
	return []string{p.name, kind, fmt.Sprint(n), counted(refusals), fmt.Sprint(slow),
		ms(latencies[n/2]), ms(latencies[n*99/100]), ms(latencies[n-1]), r.Check(ok)}
}

// reportRecovery prints how long the recovery took and what was lost.
func reportRecovery(ctx context.Context, r *rig.Rig, store *session.Store, killed time.Time, took times, results []sent, tokens []string) error {
	lostLogins, unexplained, err := countLostLogins(ctx, store, results, killed)
	if err != nil {
		return err
	}
	lostSessions, err := countLostSessions(ctx, store, tokens)
	if err != nil {
		return err
	}
	recovered := lastFailure(results, killed).Sub(killed)
	table := rig.NewTable("node timeout", "full coverage", "replica is master after", "last refusal after the kill", "old master in step after", "acknowledged logins lost", "of sessions of before")
	table.Add(fmt.Sprintf("%d ms", *nodeTimeout), fmt.Sprint(*fullCoverage), seconds(took.promoted),
		seconds(recovered)+" "+r.Check(recovered < took.promoted+margin), seconds(took.resync),
		fmt.Sprintf("%d of %d %s", lostLogins, countLogins(results), r.Check(unexplained == 0)),
		fmt.Sprintf("%d of %d %s", lostSessions, len(tokens), r.Check(lostSessions == 0)))
	table.Print("failover")
	return nil
}

// counted lists refusals with their numbers.
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

// lastFailure returns the end of the last failed request after a time, or that time when
// none failed.
func lastFailure(results []sent, after time.Time) time.Time {
	last := after
	for _, s := range results {
		if end := s.end(); s.outcome != "200" && end.After(last) {
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

// reportMemory prints the resident memory of the gateways.
func reportMemory(gateways [2]*rig.Gateway) error {
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

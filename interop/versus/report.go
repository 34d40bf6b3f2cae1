package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"wxgate/interop/rig"
)

// limit is the highest allowed ratio of the processor times of two peers.
type limit struct {
	ours, theirs string // peers
	load         string
	maximum      float64
}

var limits = [...]limit{
	{wxgate, haproxy, get, 1.2},
	{withLog(wxgate, true), withLog(haproxy, true), get, 1.3},
	{wxgate, haproxy, post, 1.4},
}

const p99Limit = 1.2

// report prints the tables. Each ratio above its limit counts as a failure.
func (c *comparison) report() {
	reference := c.find(haproxy)
	table := rig.NewTable("proxy", "GET, CPU µs a request", "× HAProxy", "requests/s", "POST, CPU µs", "× HAProxy", "peak MiB")
	for _, p := range c.peers {
		table.Add(p.name, figure(p.result(get).costs), ratio(p, reference, get), rate(p), figure(p.result(post).costs), ratio(p, reference, post), peak(p))
	}
	table.Print(fmt.Sprintf("processor time of all processes of a peer, wrk -t1 -c%d, responses of 300 bytes, medians of %d rounds of %s", connections, c.rounds, duration))

	table = rig.NewTable("limit", "measured", "maximum", "")
	for _, l := range limits {
		ours, theirs := c.find(l.ours), c.find(l.theirs)
		if ours != nil && theirs != nil {
			got := medianRatio(ours.result(l.load).costs, theirs.result(l.load).costs)
			table.Add(l.ours+" : "+l.theirs+", "+l.load, fmt.Sprintf("%.2f", got), fmt.Sprintf("%.2f", l.maximum), c.rig.Check(got <= l.maximum))
		}
	}
	c.reportLatency(table)
	table.Print("wxgate's limits: ratios within a round, medians")
}

func (c *comparison) reportLatency(table *rig.Table) {
	ours, theirs := c.find(wxgate), c.find(haproxy)
	if ours == nil || theirs == nil {
		return
	}
	a, b := ours.result(get).p99, theirs.result(get).p99
	got := medianRatio(a, b)
	table.Add(fmt.Sprintf("p99 at %.0f requests/s: %s against %s", median(theirs.result(get).rates)/2, median(a).Round(time.Microsecond), median(b).Round(time.Microsecond)),
		fmt.Sprintf("%.2f", got), fmt.Sprintf("%.2f", p99Limit), c.rig.Check(got <= p99Limit))
}

// peak is the peak resident memory. It is empty for nginx, whose workers share memory.
func peak(p *peer) string {
	bytes, err := p.memory()
	if err != nil || strings.HasPrefix(p.name, "nginx") {
		return ""
	}
	return rig.MiB(bytes)
}

// find returns the peer of that name, nil if it isn't measured.
func (c *comparison) find(name string) *peer {
	for _, p := range c.peers {
		if p.name == name {
			return p
		}
	}
	return nil
}

func figure(costs []float64) string {
	if len(costs) == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", median(costs))
}

func rate(p *peer) string { return fmt.Sprintf("%.0f", median(p.result(get).rates)) }

func ratio(p, to *peer, load string) string {
	if to == nil || len(p.result(load).costs) == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", medianRatio(p.result(load).costs, to.result(load).costs))
}

// medianRatio returns the median of the ratios of each round: the load of the machine
// changes from round to round.
func medianRatio[T ~float64 | ~int64](a, b []T) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = float64(a[i]) / float64(b[i])
	}
	return median(ratios)
}

func median[T ~float64 | ~int64](of []T) T {
	sorted := slices.Sorted(slices.Values(of))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Command versus compares what a request costs in processor time: through
// wxgate, authenticated by a JWT and a warm session, through a bare
// httputil.ReverseProxy, and through nginx as a plain proxy. All stand before
// the same backend and are driven by wrk in turns, round after round.
package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"wxgate/internal/testkit/process"
	"wxgate/interop/rig"
)

const (
	rounds      = 3
	duration    = "3s" // of each run of wrk
	connections = "32"
	most        = 1.15 // processor time of wxgate to that of the bare proxy, both without an access log
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == "bare" {
		serveBare(os.Args[2])
		return
	}
	rig.Main(4*time.Minute, run)
}

func run(ctx context.Context, r *rig.Rig) error {
	backend, err := startNginx(ctx, r, "backend", "access_log off;", answer)
	if err != nil {
		return err
	}
	w := wrk{r: r}
	if err := w.startAll(ctx, backend.url); err != nil {
		return err
	}
	for round := range rounds + 1 { // the first is to warm up
		for _, s := range w.subjects {
			if err := w.measure(ctx, s, round > 0); err != nil {
				return err
			}
		}
	}
	w.report()
	return nil
}

// subject is a proxy under measurement.
type subject struct {
	name    string
	url     string
	token   string // what a gateway asks for; the others get it too and pay it no heed
	limited bool   // held to most
	p       *process.Process
	costs   []float64 // processor time a request in µs, of each round
	rates   []float64 // requests a second
}

// wrk drives the subjects.
type wrk struct {
	r        *rig.Rig
	subjects []*subject
}

// startAll starts the subjects, the one that the others are compared with first.
func (w *wrk) startAll(ctx context.Context, backend string) error {
	bare, err := w.r.Self("bare", "bare", backend)
	if err != nil {
		return err
	}
	address, err := bare.Printed(ctx, `listening on (\S+)\n`)
	if err != nil {
		return err
	}
	w.subjects = append(w.subjects, &subject{name: "httputil.ReverseProxy, nothing else", url: "http://" + address, p: bare})
	if err := w.startGateways(ctx, backend); err != nil {
		return err
	}
	for name, log := range map[string]string{
		"nginx, plain proxy, no access log":   "access_log off;",
		"nginx, plain proxy, with access log": fmt.Sprintf("access_log %s combined buffer=64k;", w.r.Path("nginx-access.log")),
	} {
		s, err := startNginx(ctx, w.r, name, log, forwardTo(backend))
		if err != nil {
			return err
		}
		s.token = w.subjects[0].token
		w.subjects = append(w.subjects, s)
	}
	slices.SortFunc(w.subjects[1:], func(a, b *subject) int { return cmp.Compare(a.name, b.name) })
	return nil
}

// startGateways starts one gateway that logs each request, as it does by
// default, and one that doesn't. The other subjects are sent a token too.
func (w *wrk) startGateways(ctx context.Context, backend string) error {
	for name, level := range map[string]string{
		"wxgate, authenticated, no access log":   "warn",
		"wxgate, authenticated, with access log": "info",
	} {
		g, err := w.r.Gateway(ctx, fmt.Sprintf("log: {level: %s}\nroutes: [{path: /api/, upstreams: [%q]}]\n", level, backend), nil)
		if err != nil {
			return err
		}
		token, _, err := g.Login(ctx, http.DefaultClient, "alice")
		if err != nil {
			return err
		}
		w.subjects = append(w.subjects, &subject{name: name, url: g.URL(""), token: token, limited: level == "warn", p: g.Process})
		w.subjects[0].token = token
	}
	return nil
}

var (
	wrkTotal = regexp.MustCompile(`(\d+) requests in `)
	wrkRate  = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
)

// measure lets wrk drive one subject and notes what it cost.
func (w *wrk) measure(ctx context.Context, s *subject, counts bool) error {
	before, err := s.p.CPU()
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, "wrk", "-t1", "-c"+connections, "-d"+duration,
		"-H", "Authorization: Bearer "+s.token, s.url+"/api/items/42?page=2").CombinedOutput()
	if err != nil {
		return fmt.Errorf("wrk: %w\n%s", err, out)
	}
	after, err := s.p.CPU()
	if err != nil {
		return err
	}
	if strings.Contains(string(out), "Non-2xx") || strings.Contains(string(out), "Socket errors") {
		return fmt.Errorf("%s: not all was well\n%s", s.name, out)
	}
	total, rate := number(wrkTotal, out), number(wrkRate, out)
	if total == 0 {
		return fmt.Errorf("wrk said nothing of requests\n%s", out)
	}
	if counts {
		s.costs = append(s.costs, float64((after-before).Microseconds())/total)
		s.rates = append(s.rates, rate)
	}
	return nil
}

func number(re *regexp.Regexp, out []byte) float64 {
	found := re.FindSubmatch(out)
	if found == nil {
		return 0
	}
	n, _ := strconv.ParseFloat(string(found[1]), 64)
	return n
}

// report compares medians of the ratios within a round: what else the machine
// does changes from round to round.
func (w *wrk) report() {
	table := rig.NewTable("proxy", "CPU µs a request", "to the bare proxy", "requests/s")
	bare := w.subjects[0]
	for _, s := range w.subjects {
		ratios := make([]float64, rounds)
		for i := range ratios {
			ratios[i] = s.costs[i] / bare.costs[i]
		}
		judged := fmt.Sprintf("%.2f", median(ratios))
		if s.limited {
			judged += fmt.Sprintf(", under %.2f: %s", most, w.r.Check(median(ratios) < most))
		}
		table.Add(s.name, fmt.Sprintf("%.0f", median(s.costs)), judged, fmt.Sprintf("%.0f", median(s.rates)))
	}
	table.Print("processor time of the proxy's process (user and system), wrk -t1 -c" + connections + ", medians of " + strconv.Itoa(rounds) + " rounds")
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

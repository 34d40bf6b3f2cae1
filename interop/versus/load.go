package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	connections = 64
	duration    = "1s" // of each run of wrk
)

// The loads.
const (
	get  = "GET"
	post = "POST, 210 bytes"
)

// postScript makes wrk send POST requests with a body of 210 bytes.
const postScript = `wrk.method = "POST"
wrk.body = string.rep("x", 210)
wrk.headers["Content-Type"] = "application/json"
`

// measureRound sends each load to each peer in turn, in runs that are short and close in
// time: other work on the machine then affects the peers alike. Every other round has the
// opposite order. The results of round 0, the warm-up, are discarded.
func (c *comparison) measureRound(ctx context.Context, round int) error {
	script, err := c.rig.Write("post.lua", postScript)
	if err != nil {
		return err
	}
	peers := slices.Clone(c.peers)
	if round%2 == 1 {
		slices.Reverse(peers)
	}
	for _, p := range peers {
		if err := c.wrk(ctx, p, get, round == 0); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	for _, p := range peers {
		if p.logs {
			continue
		}
		if err := c.wrk(ctx, p, post, round == 0, "-s", script); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

var (
	wrkTotal = regexp.MustCompile(`(\d+) requests in `)
	wrkRate  = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
)

// wrk runs wrk against a peer for duration, and records the processor time per request.
func (c *comparison) wrk(ctx context.Context, p *peer, load string, warmUp bool, args ...string) error {
	before, err := p.cpu()
	if err != nil {
		return err
	}
	args = append(args, "-t1", "-c"+strconv.Itoa(connections), "-d"+duration, "-H", "Authorization: Bearer "+p.token, "http://"+p.address+"/api/items/42?page=2")
	out, err := exec.CommandContext(ctx, "wrk", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("wrk: %w\n%s", err, out)
	}
	after, err := p.cpu()
	if err != nil {
		return err
	}
	if strings.Contains(string(out), "Non-2xx") || strings.Contains(string(out), "Socket errors") {
		return fmt.Errorf("%s: requests failed\n%s", load, out)
	}
	total, rate := number(wrkTotal, out), number(wrkRate, out)
	if total == 0 {
		return fmt.Errorf("wrk counted no requests\n%s", out)
	}
	if warmUp {
		return nil
	}
	r := p.result(load)
	r.costs = append(r.costs, float64((after-before).Microseconds())/total)
	r.rates = append(r.rates, rate)
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

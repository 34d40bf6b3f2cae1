package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// latencyRun is the duration of a run at a constant rate, latencyRuns the number of
	// runs per round. Runs are short: other work on the machine that affects the 99th
	// percentile then affects few of them.
	latencyRun  = time.Second
	latencyRuns = 2
)

// measureLatency sends requests at half the rate that HAProxy reaches, alternately to
// HAProxy and to wxgate, and records the 99th percentile of each run.
func (c *comparison) measureLatency(ctx context.Context) error {
	theirs, ours := c.find(haproxy), c.find(wxgate)
	if theirs == nil || ours == nil {
		return nil
	}
	rate := median(theirs.result(get).rates) / 2
	turns := []*peer{theirs, ours}
	for range c.rounds * latencyRuns {
		slices.Reverse(turns) // neither always runs after the other
		for _, p := range turns {
			latencies, err := (&constantRate{address: p.address, token: p.token, rate: rate}).run(ctx, latencyRun)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			p.result(get).p99 = append(p.result(get).p99, latencies[len(latencies)*99/100])
		}
	}
	return nil
}

// constantRate is a load with a fixed schedule. If all connections wait for responses, a
// request is sent late, but its latency counts from its scheduled time: a peer that stalls
// can't hide the delay of the requests after the stall (coordinated omission).
type constantRate struct {
	address, token string
	rate           float64 // requests a second

	begin time.Time
	end   time.Time
	next  atomic.Int64 // the number of the next request
}

// run returns the latencies, sorted.
func (l *constantRate) run(ctx context.Context, d time.Duration) ([]time.Duration, error) {
	l.begin = time.Now().Add(50 * time.Millisecond)
	l.end = l.begin.Add(d)
	var wg sync.WaitGroup
	latencies, failures := make([][]time.Duration, connections), make([]error, connections)
	for i := range connections {
		wg.Go(func() { latencies[i], failures[i] = l.sendAll(ctx) })
	}
	wg.Wait()
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	all := slices.Concat(latencies...)
	slices.Sort(all)
	if len(all) < 1000 {
		return nil, fmt.Errorf("%d requests are too few for a percentile", len(all))
	}
	return all, nil
}

// sendAll sends requests over one connection until the end of the schedule.
func (l *constantRate) sendAll(ctx context.Context) ([]time.Duration, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", l.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(l.end.Add(5 * time.Second))
	request := "GET /api/items/42?page=2 HTTP/1.1\r\nHost: " + l.address + "\r\nAuthorization: Bearer " + l.token + "\r\n\r\n"
	r := bufio.NewReader(conn)
	var latencies []time.Duration
	for {
		scheduled := l.begin.Add(time.Duration(float64(l.next.Add(1)-1) / l.rate * float64(time.Second)))
		if scheduled.After(l.end) {
			return latencies, nil
		}
		time.Sleep(time.Until(scheduled))
		if _, err := io.WriteString(conn, request); err != nil {
			return nil, err
		}
		if err := readResponse(r); err != nil {
			return nil, err
		}
		latencies = append(latencies, time.Since(scheduled))
	}
}

// readResponse reads a 200 with a Content-Length.
func readResponse(r *bufio.Reader) error {
	line, err := r.ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, "HTTP/1.1 200 ") {
		return fmt.Errorf("got %q", line)
	}
	header, err := textproto.NewReader(r).ReadMIMEHeader()
	if err != nil {
		return err
	}
	length, err := strconv.Atoi(header.Get("Content-Length"))
	if err != nil {
		return err
	}
	_, err = r.Discard(length)
	return err
}

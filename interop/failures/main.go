// Command failures shows what clients and backends see when a backend crashes within a
// response or hangs, when a session ends, and when the gateway stops before requests
// are over: whether a POST runs twice, and who waits. In front of the gateways stands
// an HAProxy that repeats every request whose connection is closed without a byte.
//
// With WXGATE=FILE another build of the gateway is tried.
package main

import (
	"context"
	"fmt"
	"time"

	"wxgate/interop/rig"
)

// scenario is one kind of failure. Each fills in a result.
type scenario struct {
	name string
	run  func(context.Context, *rig.Rig, *result) error
}

var scenarios = []scenario{
	{"a backend dies within a short body", truncatingBackend},
	{"shutdown_timeout ends before the requests", shortShutdown},
	{"a session ends while its requests are at the backend", endedSession},
	{"one of two backends hangs", hungBackend},
}

func main() { rig.Main(5*time.Minute, run) }

func run(ctx context.Context, r *rig.Rig) error {
	table := rig.NewTable("failure", "POSTs", "reached the backend twice", "", "clients got")
	for _, s := range scenarios {
		got := newResult()
		if err := s.run(ctx, r, got); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		table.Add(s.name, fmt.Sprint(got.requests()), fmt.Sprint(got.doubled()), r.Check(got.doubled() == 0 && got.expected), got.String())
	}
	table.Print("failures under POSTs")
	return nil
}

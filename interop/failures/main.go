// Command failures shows what clients and backends see when a backend closes the
// connection within a response, when a backend hangs, when a session ends, and when the
// gateway stops while requests are in flight: whether a POST runs twice, and which clients
// wait. In front of the gateways an HAProxy repeats every request whose connection is
// closed without a byte of a response.
//
// The environment variable WXGATE names another build of the gateway to use.
package main

import (
	"context"
	"fmt"
	"time"

	"wxgate/interop/rig"
)

// scenario is one kind of failure. Its run fills in the result.
type scenario struct {
	name string
	run  func(context.Context, *rig.Rig, *result) error
}

var scenarios = []scenario{
	{"a backend closes within a short body", truncatingBackend},
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
		table.Add(s.name, fmt.Sprint(got.requests()), fmt.Sprint(got.duplicates()), r.Check(got.duplicates() == 0 && got.expected), got.String())
	}
	table.Print("failures under POSTs")
	return nil
}

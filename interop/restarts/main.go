// Command restarts restarts one gateway thirty times while users send GETs and POSTs on
// new and on kept-alive connections: by SIGUSR2, where the old process passes its listeners
// to the new one, and as systemd does with a socket unit. No request may be refused, reset
// or sent twice. A WebSocket of the first process stays open until shutdown_timeout.
package main

import (
	"context"
	"fmt"
	"time"

	"wxgate/interop/rig"
)

const (
	restarts = 30
	workers  = 3 // of each kind of client and method

	// shutdownTimeout is how long the old process keeps its WebSockets open.
	shutdownTimeout = 3 * time.Second

	// pause is the time between restarts.
	pause = 200 * time.Millisecond
)

func main() { rig.Main(15*time.Minute, run) }

func run(ctx context.Context, r *rig.Rig) error {
	table := rig.NewTable("restarted by", "restarts", "requests", "reached the backend twice", "socket stayed open for", "", "lost")
	for _, way := range []struct {
		name      string
		activated bool
	}{{"SIGUSR2", false}, {"socket activation", true}} {
		t, err := test(ctx, r, way.activated)
		if err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
		ok := t.load.Lossless() && t.socketOpen > shutdownTimeout-time.Second
		table.Add(way.name, fmt.Sprint(restarts), fmt.Sprint(t.load.Sent()), fmt.Sprint(t.load.Duplicates()),
			t.socketOpen.Round(100*time.Millisecond).String(), r.Check(ok), t.load.Failures())
	}
	table.Print("restarts of one gateway under load")
	return nil
}

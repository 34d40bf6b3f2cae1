package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"wxgate/interop/rig"
	"wxgate/secret"
	"wxgate/session"
)

const (
	workers    = 64      // operations at the same time
	keptTokens = 200_000 // that the look-ups, half of them, and the load use
)

// inParallel runs n operations and returns the first error.
func inParallel(ctx context.Context, n int, do func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					cancel(err)
				}
			}
		})
	}
	running.Wait()
	return context.Cause(ctx)
}

// fill logs users in, prints what that cost, and returns the tokens of a part of them,
// spread evenly.
func fill(ctx context.Context, c *cluster, store *session.Store, count int) ([]string, error) {
	every := max(1, count/keptTokens)
	tokens := make([]string, (count+every-1)/every)
	masters, replicas := c.masters(), c.replicas()
	before, beforeReplicas, begin := usageOf(masters), usageOf(replicas), time.Now()
	err := inParallel(ctx, count, func(i int) error {
		token, _, _, err := store.Login(ctx, session.Login{
			AppID: rig.AppID, OpenID: fmt.Sprintf("oUpF8uMuAJO_M2pxb1Q9z%07d", i), UnionID: fmt.Sprintf("ocMvos6NjeKLIBqg5Mr9Q%07d", i),
			SessionKey: secret.Text("tiihtNczf5v6AKRyjwEUhQ=="),
		})
		if err == nil && i%every == 0 {
			tokens[i/every] = token.Value.Reveal()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	took, n := time.Since(begin), float64(count)
	after, afterReplicas := usageOf(masters), usageOf(replicas)
	table := rig.NewTable("logins", "a second", "Redis memory a session, masters", "replicas", "commands a login", "Redis processor time a login, masters", "replicas")
	table.Add(fmt.Sprint(count), fmt.Sprintf("%.0f", n/took.Seconds()),
		fmt.Sprintf("%.0f B", (after.memory-before.memory)/n), fmt.Sprintf("%.0f B", (afterReplicas.memory-beforeReplicas.memory)/n),
		fmt.Sprintf("%.1f", (after.commands-before.commands)/n),
		fmt.Sprintf("%.1f µs", (after.cpu-before.cpu)/n*1e6), fmt.Sprintf("%.1f µs", (afterReplicas.cpu-beforeReplicas.cpu)/n*1e6))
	table.Print("filled")
	return tokens, nil
}

// lookUp authenticates half of the sessions, which the store hasn't cached, and prints what
// that cost.
func lookUp(ctx context.Context, c *cluster, store *session.Store, tokens []string) error {
	tokens = tokens[:len(tokens)/2]
	masters := c.masters()
	before, begin := usageOf(masters), time.Now()
	err := inParallel(ctx, len(tokens), func(i int) error {
		_, err := store.Authenticate(ctx, tokens[i])
		return err
	})
	if err != nil {
		return err
	}
	took, after, n := time.Since(begin), usageOf(masters), float64(len(tokens))
	table := rig.NewTable("look-ups", "a second", "commands each", "Redis processor time each")
	table.Add(fmt.Sprint(len(tokens)), fmt.Sprintf("%.0f", n/took.Seconds()), fmt.Sprintf("%.1f", (after.commands-before.commands)/n), fmt.Sprintf("%.1f µs", (after.cpu-before.cpu)/n*1e6))
	table.Print("sessions that the instance had not cached")
	return nil
}

package session

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// ErrProxy is of a server that takes plain commands and not what a Store needs.
var ErrProxy = errors.New("a proxy without Lua scripts or publish/subscribe (such as twemproxy) can't be used: " +
	"give the address of Redis itself, or of a proxy that has both")

// Diagnose says why a Redis that answers can't be used: one step after the other
// of what a Store needs, in words for an operator. It returns nil where all work.
// Other errors are the server's or the network's own, with the step that failed.
func Diagnose(ctx context.Context, c RedisConfig) error {
	if len(c.Addrs) == 0 {
		return nil // the store within this process
	}
	redis.SetLogger(noLogger{})
	client := newClient(c)
	defer client.Close()
	key, channel := keys{c.KeyPrefix}.probe("diagnose"), keys{c.KeyPrefix}.heartbeat(newID())
	if err := client.Get(ctx, key).Err(); err != nil && !isMissing(err) {
		return fmt.Errorf("GET: %w", err)
	}
	for _, step := range []struct {
		name string
		try  func() error
	}{
		{"EVAL of a Lua script", func() error {
			return probeScript.Eval(ctx, client, []string{key}, "", probeTTL.Milliseconds()).Err()
		}},
		{"SUBSCRIBE", func() error {
			sub := client.Subscribe(ctx, channel)
			defer sub.Close()
			return awaitSubscribed(ctx, sub)
		}},
		{"PUBLISH", func() error { return client.Publish(ctx, channel, "").Err() }},
	} {
		if err := step.try(); err != nil {
			return fmt.Errorf("%s: %w", step.name, refusedByProxy(err))
		}
	}
	return nil
}

// refusedByProxy makes an error ErrProxy where the server doesn't know the
// command, or closes the connection on it, having taken others.
func refusedByProxy(err error) error {
	var answer redis.Error
	unknown := errors.As(err, &answer) && strings.Contains(strings.ToLower(answer.Error()), "command") &&
		!redis.HasErrorPrefix(err, "NOPERM")
	if unknown || connectionClosed(err) {
		return fmt.Errorf("%w (%w)", ErrProxy, err)
	}
	return err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"wxgate/internal/config"
	"wxgate/proxy/upstream"
	"wxgate/session"
	"wxgate/wechat"
)

// errOnline means that at least one check failed.
var errOnline = errors.New("not everything that the config names works, see above")

// onlineCheck tests one dependency that a config names.
type onlineCheck struct {
	name string
	run  func(context.Context) error
}

// checkOnline tests Redis, each upstream and each app's credentials concurrently,
// and prints a line for each: "redis ok", "app wx… failed: …".
func checkOnline(ctx context.Context, c *config.Config, t *terminal) error {
	checks := slices.Concat([]onlineCheck{{"redis", func(ctx context.Context) error { return checkRedis(ctx, c) }}}, upstreamChecks(c), appChecks(c))
	results := make([]chan error, len(checks))
	for i, check := range checks {
		results[i] = make(chan error, 1)
		go func() { results[i] <- check.run(ctx) }()
	}
	fmt.Fprintln(t.out)
	var failed error
	for i, check := range checks {
		err := <-results[i]
		printResult(t.out, check.name, err)
		if err != nil {
			failed = errOnline
		}
	}
	return failed
}

func printResult(w io.Writer, name string, err error) {
	if err == nil {
		fmt.Fprintf(w, "%s ok\n", name)
		return
	}
	var refused *wechat.Error
	if errors.As(err, &refused) && refused.Hint() != "" {
		err = fmt.Errorf("%w (%s)", err, refused.Hint())
	}
	fmt.Fprintf(w, "%s failed: %v\n", name, err)
}

// redisReadyTimeout is how long Redis may take to become ready, including a
// fail-over that has just begun.
const redisReadyTimeout = 3 * time.Second

// checkRedis opens a store as serve does and waits until it is ready: it can write,
// and it receives the events of other instances.
func checkRedis(ctx context.Context, c *config.Config) error {
	store, err := session.Open(sessionConfig(c))
	if err != nil {
		return err
	}
	defer store.Close()
	readyCtx, cancel := context.WithTimeout(ctx, redisReadyTimeout)
	defer cancel()
	err = waitReady(readyCtx, store)
	if err == nil {
		return nil
	}
	ctx, cancel = context.WithTimeout(ctx, redisReadyTimeout)
	defer cancel()
	if cause := session.Diagnose(ctx, redisConfig(c)); errors.Is(cause, session.ErrProxy) || errors.Is(cause, session.ErrAdvice) {
		return cause
	}
	return err
}

// waitReady waits until the store is ready or ctx ends. The error is the reason why
// it isn't ready, not that ctx ended.
func waitReady(ctx context.Context, store *session.Store) (err error) {
	for {
		notReady := store.Ready(ctx)
		if notReady == nil {
			return nil
		}
		if err == nil || ctx.Err() == nil {
			err = notReady // once ctx has ended, Ready returns ctx's error
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// upstreamChecks returns one check for each target, however many routes have it.
func upstreamChecks(c *config.Config) []onlineCheck {
	type target struct {
		url, ca, cert, key, name, health string
	}
	var checks []onlineCheck
	seen := map[target]bool{}
	for i := range c.Routes {
		group := upstreamConfig(&c.Routes[i])
		for _, t := range group.Targets {
			key := target{t.URL.String(), t.CAFile, t.CertFile, t.KeyFile, t.ServerName, group.Health.Path}
			if seen[key] {
				continue
			}
			seen[key] = true
			checks = append(checks, onlineCheck{"upstream " + key.url, func(ctx context.Context) error {
				return upstream.CheckTarget(ctx, t, group.Health)
			}})
		}
	}
	return checks
}

func appChecks(c *config.Config) []onlineCheck {
	checks := make([]onlineCheck, len(c.Apps))
	for i, app := range c.Apps {
		checks[i] = onlineCheck{"app " + app.AppID, func(ctx context.Context) error { return checkApp(ctx, c, app.AppID) }}
	}
	return checks
}

// checkApp requests an access token from WeChat. That verifies the AppSecret and
// that WeChat's IP allowlist has this machine's address.
func checkApp(ctx context.Context, c *config.Config, appid string) error {
	client, err := wechat.New(wechat.Options{}, wechatConfig(c))
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Ping(ctx, appid)
}

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

// errOnline is the outcome of a check of which some lines say failed.
var errOnline = errors.New("not everything that the config names can be reached, see above")

// onlineCheck tries one thing that a config names.
type onlineCheck struct {
	name string
	run  func(context.Context) error
}

// checkOnline tries Redis, each upstream and each app's credentials, all at
// once, and prints a line for each: "redis ok", "app wx… failed: …".
func checkOnline(ctx context.Context, c *config.Config, t *terminal) error {
	checks := slices.Concat([]onlineCheck{{"redis", func(ctx context.Context) error { return checkRedis(ctx, c) }}}, upstreamChecks(c), appChecks(c))
	outcomes := make([]chan error, len(checks))
	for i, check := range checks {
		outcomes[i] = make(chan error, 1)
		go func() { outcomes[i] <- check.run(ctx) }()
	}
	fmt.Fprintln(t.out)
	var failed error
	for i, check := range checks {
		err := <-outcomes[i]
		printOutcome(t.out, check.name, err)
		if err != nil {
			failed = errOnline
		}
	}
	return failed
}

func printOutcome(w io.Writer, name string, err error) {
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

// redisReadyLimit is how long Redis may take to be ready, a fail-over included
// that has just begun.
const redisReadyLimit = 3 * time.Second

// checkRedis opens a store as serve does and waits until it is ready: writes
// arrive, and events of other instances are received.
func checkRedis(ctx context.Context, c *config.Config) error {
	store, err := session.Open(sessionConfig(c))
	if err != nil {
		return err
	}
	defer store.Close()
	readyCtx, cancel := context.WithTimeout(ctx, redisReadyLimit)
	defer cancel()
	err = waitReady(readyCtx, store)
	if err == nil {
		return nil
	}
	ctx, cancel = context.WithTimeout(ctx, redisReadyLimit)
	defer cancel()
	if why := session.Diagnose(ctx, redisConfig(c)); errors.Is(why, session.ErrProxy) || errors.Is(why, session.ErrAdvice) {
		return why
	}
	return err
}

// waitReady waits until the store is ready or ctx ends, and says why it isn't.
func waitReady(ctx context.Context, store *session.Store) (err error) {
	for {
		notReady := store.Ready(ctx)
		if notReady == nil {
			return nil
		}
		if err == nil || ctx.Err() == nil {
			err = notReady // rather than that time ran out
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// upstreamChecks has one for each target, however many routes go there.
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

// checkApp asks WeChat for an access token, which takes the AppSecret and an
// address that WeChat lets in.
func checkApp(ctx context.Context, c *config.Config, appid string) error {
	client, err := wechat.New(wechat.Options{}, wechatConfig(c))
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Ping(ctx, appid)
}

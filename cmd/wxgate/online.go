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

// trial is one thing that a config names and that is tried for real.
type trial struct {
	name string
	try  func(context.Context) error
}

// checkOnline tries Redis, each upstream and each app's credentials, all at
// once, and prints a line for each: "redis ok", "app wx… failed: …".
func checkOnline(ctx context.Context, c *config.Config, t *terminal) error {
	trials := slices.Concat([]trial{{"redis", func(ctx context.Context) error { return tryRedis(ctx, c) }}}, upstreamTrials(c), appTrials(c))
	outcomes := make([]chan error, len(trials))
	for i, trial := range trials {
		outcomes[i] = make(chan error, 1)
		go func() { outcomes[i] <- trial.try(ctx) }()
	}
	fmt.Fprintln(t.out)
	var failed error
	for i, trial := range trials {
		err := <-outcomes[i]
		printOutcome(t.out, trial.name, err)
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
	var told *wechat.Error
	if errors.As(err, &told) && told.Hint() != "" {
		err = fmt.Errorf("%w (%s)", err, told.Hint())
	}
	fmt.Fprintf(w, "%s failed: %v\n", name, err)
}

// redisPatience is how long Redis may take to be ready, a fail-over included
// that has just begun.
const redisPatience = 3 * time.Second

// tryRedis opens a store as serve does and waits until it is ready: writes
// arrive, and what other instances publish is heard.
func tryRedis(ctx context.Context, c *config.Config) error {
	store, err := session.Open(sessionConfig(c))
	if err != nil {
		return err
	}
	defer store.Close()
	patient, cancel := context.WithTimeout(ctx, redisPatience)
	defer cancel()
	err = waitReady(patient, store)
	if err == nil {
		return nil
	}
	ctx, cancel = context.WithTimeout(ctx, redisPatience)
	defer cancel()
	if why := session.Diagnose(ctx, redisConfig(c)); errors.Is(why, session.ErrProxy) {
		return why
	}
	return err
}

// waitReady waits until the store is ready or ctx ends, and says why it isn't.
func waitReady(ctx context.Context, store *session.Store) (err error) {
	for {
		asked := store.Ready(ctx)
		if asked == nil {
			return nil
		}
		if err == nil || ctx.Err() == nil {
			err = asked // rather than that time ran out
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// upstreamTrials has one for each target, however many routes go there.
func upstreamTrials(c *config.Config) []trial {
	type place struct {
		url, ca, cert, key, name, health string
	}
	var trials []trial
	seen := map[place]bool{}
	for i := range c.Routes {
		group := upstreamConfig(&c.Routes[i])
		for _, target := range group.Targets {
			p := place{target.URL.String(), target.CAFile, target.CertFile, target.KeyFile, target.ServerName, group.Health.Path}
			if seen[p] {
				continue
			}
			seen[p] = true
			trials = append(trials, trial{"upstream " + p.url, func(ctx context.Context) error {
				return upstream.Probe(ctx, target, group.Health)
			}})
		}
	}
	return trials
}

func appTrials(c *config.Config) []trial {
	trials := make([]trial, len(c.Apps))
	for i, app := range c.Apps {
		trials[i] = trial{"app " + app.AppID, func(ctx context.Context) error { return tryApp(ctx, c, app.AppID) }}
	}
	return trials
}

// tryApp asks WeChat for an access token, which takes the AppSecret and an
// address that WeChat lets in.
func tryApp(ctx context.Context, c *config.Config, appid string) error {
	client, err := wechat.New(wechat.Options{}, wechatConfig(c))
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Ping(ctx, appid)
}

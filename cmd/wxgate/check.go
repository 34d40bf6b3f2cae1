package main

import (
	"context"
	"fmt"

	"wxgate/internal/config"
)

// checkCommand validates the config file and prints the effective configuration.
type checkCommand struct {
	configFlag
	Online bool `help:"Also try Redis, each upstream and each app's credentials."`
}

// Run prints the effective configuration as YAML, secrets redacted, then as YAML
// comments the routes in the order in which they are matched, and the summary line.
func (c *checkCommand) Run(ctx context.Context, t *terminal) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	t.warn(cfg.Warnings)
	if err := config.WriteEffective(t.out, cfg); err != nil {
		return err
	}
	if err := printRouteTable(t.out, cfg.Routes); err != nil {
		return err
	}
	if c.Online {
		if err := checkOnline(ctx, cfg, t); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(t.out, "%s\n", describeConfig(cfg))
	return err
}

package main

import "context"

// checkCommand validates the config file and prints what it comes to.
type checkCommand struct {
	configFlag
	Online bool `help:"Also try Redis, each upstream and each app's credentials."`
}

// Run prints YAML: the effective configuration, secrets hidden, and in comments
// below it the routes in the order in which they are tried.
func (c *checkCommand) Run(ctx context.Context, t *terminal) error {
	config, err := c.load()
	if err != nil {
		return err
	}
	t.warn(config.Warnings)
	if err := printEffective(t.out, config); err != nil {
		return err
	}
	if err := printRoutes(t.out, config.Routes); err != nil {
		return err
	}
	if !c.Online {
		return nil
	}
	return checkOnline(ctx, config, t)
}

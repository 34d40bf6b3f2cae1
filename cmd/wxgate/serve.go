package main

import (
	"context"
)

// serveCommand runs the gateway until ctx ends, then drains.
type serveCommand struct {
	configFlag
}

func (c *serveCommand) Run(ctx context.Context, t *terminal) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	read := fingerprint(cfg.Files)
	t.warn(cfg.Warnings)
	log := newLogger(t.out, cfg.Log)
	defer log.close()
	p, err := assemble(cfg, log)
	if err != nil {
		return err
	}
	defer p.close()
	p.logStart(ctx, c.Config)
	listeners, err := p.listen(p.gateway)
	if err != nil {
		return err
	}
	reloading, stop := context.WithCancel(ctx)
	defer stop()
	go p.reloadLoop(reloading, c.Config, read)
	return listeners.serve(ctx)
}

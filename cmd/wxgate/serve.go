package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
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
	log.out.hold()
	p, err := assemble(cfg, log)
	if err != nil {
		return err
	}
	defer p.close()
	defer keepHeapFloor()()
	p.logStart(ctx, c.Config)
	in, err := inheritListeners()
	if err != nil {
		return err
	}
	if in.warning != "" {
		log.Warn(in.warning)
	}
	listeners, err := p.listen(p.gateway, in)
	in.close()
	if err != nil {
		return err
	}
	reloading, stop := context.WithCancel(ctx)
	defer stop()
	go p.watchFiles(reloading, c.Config, read)
	successor := make(chan os.Signal, 1)
	signal.Notify(successor, syscall.SIGUSR2)
	defer signal.Stop(successor)
	failed := listeners.start()
	in.notifyReady()
	return listeners.wait(ctx, failed, successor)
}

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
	loaded := fingerprint(cfg.Files)
	t.warn(cfg.Warnings)
	log := newLogger(t.out, cfg.Log)
	defer log.close()
	log.out.holdBack()
	p, err := assemble(cfg, log)
	if err != nil {
		return err
	}
	defer p.close()
	defer applyHeapFloor()()
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
	watchCtx, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	go p.watchFiles(watchCtx, c.Config, loaded)
	handover := make(chan os.Signal, 1)
	signal.Notify(handover, syscall.SIGUSR2)
	defer signal.Stop(handover)
	failed := listeners.start()
	in.notifyReady()
	return listeners.wait(ctx, failed, handover)
}

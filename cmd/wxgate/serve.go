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
	loadedFiles := fingerprint(cfg.Files)
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
	inherited, err := inheritListeners()
	if err != nil {
		return err
	}
	if inherited.warning != "" {
		log.Warn(inherited.warning)
	}
	listeners, err := p.listen(p.gateway, inherited)
	inherited.close()
	if err != nil {
		return err
	}
	pollCtx, stopPolling := context.WithCancel(ctx)
	defer stopPolling()
	go p.pollFiles(pollCtx, c.Config, loadedFiles)
	handover := make(chan os.Signal, 1)
	signal.Notify(handover, syscall.SIGUSR2)
	defer signal.Stop(handover)
	serveErrors := listeners.start()
	inherited.notifyReady()
	return listeners.wait(ctx, serveErrors, handover)
}

package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// pollInterval is how often the files are looked at. Polling works where notifications
// don't: mounted volumes, network file systems, swapped links.
const pollInterval = 500 * time.Millisecond

// watchedFiles are files that are read again when they change.
type watchedFiles struct {
	files  func() []string
	reload func() (read string) // gives the fingerprint of what it read

	seen, applied string
}

// poll reads the files again where they have changed since they were applied, and not
// since the last poll: a file that is being written is left alone.
func (w *watchedFiles) poll() {
	now := fingerprint(w.files())
	settled := now == w.seen
	w.seen = now
	if settled && now != w.applied {
		w.read()
	}
}

func (w *watchedFiles) read() {
	w.applied = w.reload()
	w.seen = w.applied
}

// watchFiles reads the config file and the certificates again when they change, and
// on SIGHUP, until ctx ends. applied is the fingerprint of the config's files as
// they were when they were read.
func (p *process) watchFiles(ctx context.Context, file, applied string) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	ticks := time.NewTicker(pollInterval)
	defer ticks.Stop()
	list := []*watchedFiles{{
		files:  func() []string { return p.config.Files },
		reload: func() string { return p.reloadFile(ctx, file) },
		seen:   applied, applied: applied,
	}}
	for _, c := range p.certificates {
		list = append(list, &watchedFiles{files: c.paths, reload: c.reload, seen: c.applied, applied: c.applied})
	}
	for {
		do := (*watchedFiles).poll
		select {
		case <-ctx.Done():
			return
		case <-hup:
			do = (*watchedFiles).read
		case <-ticks.C:
		}
		for _, w := range list {
			do(w)
		}
	}
}

package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// pollInterval is how often the files are checked. Polling works where notifications
// don't: mounted volumes, network file systems, replaced symbolic links.
const pollInterval = 500 * time.Millisecond

// watchedFiles are files that are reloaded together when one of them changes.
type watchedFiles struct {
	files func() []string
	load  func() (loaded string) // returns the fingerprint of what it loaded

	seen, applied string // fingerprints: at the last poll, and of the last load
}

// poll reloads the files if they have changed since they were loaded, but not since
// the last poll: a file that is being written is not loaded yet.
func (w *watchedFiles) poll() {
	now := fingerprint(w.files())
	settled := now == w.seen
	w.seen = now
	if settled && now != w.applied {
		w.reload()
	}
}

func (w *watchedFiles) reload() {
	w.applied = w.load()
	w.seen = w.applied
}

// watchFiles reloads the config file and the certificates when they change, and on
// SIGHUP, until ctx ends. applied is the fingerprint of the config's files when they
// were loaded.
func (p *process) watchFiles(ctx context.Context, file, applied string) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	ticks := time.NewTicker(pollInterval)
	defer ticks.Stop()
	list := []*watchedFiles{{
		files: func() []string { return p.config.Files },
		load:  func() string { return p.reload(ctx, file) },
		seen:  applied, applied: applied,
	}}
	for _, c := range p.certificates {
		list = append(list, &watchedFiles{files: c.paths, load: c.reload, seen: c.applied, applied: c.applied})
	}
	for {
		check := (*watchedFiles).poll
		select {
		case <-ctx.Done():
			return
		case <-hup:
			check = (*watchedFiles).reload
		case <-ticks.C:
		}
		for _, w := range list {
			check(w)
		}
	}
}

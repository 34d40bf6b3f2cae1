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

// polledFiles are files that are reloaded together when one of them changes.
type polledFiles struct {
	files func() []string
	load  func() (loaded string) // returns the fingerprint of what it loaded

	seen   string // fingerprint at the last poll
	loaded string // fingerprint of what was last loaded, applied or refused
}

// poll reloads the files if they have changed since they were loaded, but not since
// the last poll: a file that is being written is not loaded yet.
func (w *polledFiles) poll() {
	current := fingerprint(w.files())
	unchanged := current == w.seen
	w.seen = current
	if unchanged && current != w.loaded {
		w.reload()
	}
}

func (w *polledFiles) reload() {
	w.loaded = w.load()
	w.seen = w.loaded
}

// pollFiles reloads the config file and the certificates when they change, and on
// SIGHUP, until ctx ends. loaded is the fingerprint of the config's files when they
// were loaded.
func (p *process) pollFiles(ctx context.Context, file, loaded string) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	ticks := time.NewTicker(pollInterval)
	defer ticks.Stop()
	list := []*polledFiles{{
		files: func() []string { return p.config.Files },
		load:  func() string { return p.reload(ctx, file) },
		seen:  loaded, loaded: loaded,
	}}
	for _, c := range p.certificates {
		list = append(list, &polledFiles{files: c.paths, load: c.reload, seen: c.loaded, loaded: c.loaded})
	}
	for {
		check := (*polledFiles).poll
		select {
		case <-ctx.Done():
			return
		case <-hup:
			check = (*polledFiles).reload
		case <-ticks.C:
		}
		for _, w := range list {
			check(w)
		}
	}
}

package session

import (
	"errors"
	"sync"
	"time"
)

// watchers are the requests and streams under way on one session.
type watchers struct {
	mu     sync.Mutex
	places []place
	free   []int32
	listed bool // false once taken off the Store's list: a new one is needed
}

// place is one request's. Its round tells the request it belongs to from
// those that had the place before.
type place struct {
	cut   func()
	round uint32
}

// watchList is the copies that are watched: what watchDeadlines looks through.
type watchList struct {
	mu     sync.Mutex
	copies []*liveCopy
	asking bool
}

// Watch has cut called once, within a second, when the session of g ends on any
// instance, at its absolute end, when it was not used for too long, and when
// its newest token expires without having been renewed anywhere. Redis being
// away at that moment puts it off, by StaleIfError at most.
//
// The caller stops the watch when the request or the stream is over; cut may
// be running then. cut must not block.
func (s *Store) Watch(g Grant, cut func()) (stop func()) {
	for l := g.copy; ; {
		w := l.watch.Load()
		if w != nil {
			if at, round, ok := w.add(cut); ok {
				s.metrics.watched.Inc()
				if l.is(ended) { // since the token was checked
					w.cutAll()
				}
				return func() { s.unwatch(w, at, round) }
			}
		}
		l = s.list(l)
	}
}

func (s *Store) unwatch(w *watchers, at int, round uint32) {
	if w.remove(at, round) {
		s.metrics.watched.Dec()
	}
}

// add fails once w is off the list.
func (w *watchers) add(cut func()) (at int, round uint32, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.listed {
		return 0, 0, false
	}
	if n := len(w.free); n > 0 {
		at = int(w.free[n-1])
		w.free = w.free[:n-1]
	} else {
		at = len(w.places)
		w.places = append(w.places, place{})
	}
	w.places[at].cut = cut
	return at, w.places[at].round, true
}

func (w *watchers) remove(at int, round uint32) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.places[at].round != round {
		return false // stopped before
	}
	w.places[at] = place{round: round + 1}
	w.free = append(w.free, int32(at))
	return true
}

// cut cuts all that is watched of l.
func (s *Store) cut(l *liveCopy) {
	if w := l.watch.Load(); w != nil {
		w.cutAll()
	}
}

// cutAll calls each cut once. The places stay taken until they are stopped.
func (w *watchers) cutAll() {
	for _, cut := range w.take() {
		cut()
	}
}

func (w *watchers) take() []func() {
	w.mu.Lock()
	defer w.mu.Unlock()
	var cuts []func()
	for i := range w.places {
		if w.places[i].cut != nil {
			cuts = append(cuts, w.places[i].cut)
			w.places[i].cut = nil
		}
	}
	return cuts
}

// list puts the session's copy on the list of the watched and returns the
// copy that is there.
func (s *Store) list(l *liveCopy) *liveCopy {
	l = s.copies.hold(l)
	s.watched.mu.Lock()
	defer s.watched.mu.Unlock()
	if l.watch.Load() != nil {
		s.copies.release(l) // somebody else was faster
		return l
	}
	l.watch.Store(&watchers{listed: true})
	s.watched.copies = append(s.watched.copies, l)
	return l
}

// idle takes w off the list if nobody watches.
func (w *watchers) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.free) < len(w.places) {
		return false
	}
	w.listed = false
	return true
}

const watchEvery = 250 * time.Millisecond

// watchDeadlines looks at each watched session four times a second. Endings
// are told by events and cut at once; here the clock and the events that may
// have been missed are seen to.
func (s *Store) watchDeadlines() {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.closing.Done():
			return
		case <-ticker.C:
			s.lookThrough(s.now())
		}
	}
}

func (s *Store) lookThrough(now time.Time) {
	var ask []*liveCopy
	for _, l := range s.stillWatched() {
		if s.alive(l, now) == nil && s.inDoubt(l, now) {
			ask = append(ask, l)
		}
	}
	s.watched.mu.Lock()
	defer s.watched.mu.Unlock()
	if len(ask) == 0 || s.watched.asking {
		return
	}
	s.watched.asking = true
	s.background.Go(func() {
		s.recheck(ask)
		s.watched.mu.Lock()
		defer s.watched.mu.Unlock()
		s.watched.asking = false
	})
}

// stillWatched drops from the list what nobody watches any more.
func (s *Store) stillWatched() []*liveCopy {
	s.watched.mu.Lock()
	defer s.watched.mu.Unlock()
	kept := make([]*liveCopy, 0, len(s.watched.copies))
	for _, l := range s.watched.copies {
		if l.watch.Load().idle() {
			l.watch.Store(nil)
			s.copies.release(l)
			continue
		}
		kept = append(kept, l)
	}
	s.watched.copies = kept
	return kept
}

// inDoubt tells whether Redis has to be asked about a watched session: its
// deadline has come, or an event may have been missed.
func (s *Store) inDoubt(l *liveCopy, now time.Time) bool {
	if !now.Before(s.deadline(l)) || l.is(again) || l.epoch.Load() != s.epoch.Load() {
		return true
	}
	age := now.Sub(time.Unix(0, l.confirmedAt.Load()))
	return !s.subscribed.Load() && age > max(s.config.Load().CacheTTL, time.Second)
}

// deadline is when the session runs out, or its newest token, by what is known here.
func (s *Store) deadline(l *liveCopy) time.Time {
	idle := time.Unix(0, l.usedAt.Load()).Add(s.config.Load().IdleTimeout)
	token := time.Unix(l.tokenEnd.Load(), 0)
	if token.Before(idle) {
		return token
	}
	return idle
}

// recheck asks Redis for all of them and cuts what is over.
func (s *Store) recheck(doubtful []*liveCopy) {
	calls := make([]*call, len(doubtful))
	marks := make([]mark, len(doubtful))
	for i, l := range doubtful {
		sid := l.session.Load().ID
		marks[i] = s.copies.mark(sid, s.now(), s.epoch.Load())
		calls[i] = &call{keys: []string{s.keys.session(sid), s.keys.ofUser(sid)}, args: loadArgs(sid, "")}
	}
	s.redis.runAll(s.closing, loadScript, calls)
	for i, l := range doubtful {
		s.rechecked(l, calls[i], marks[i])
	}
}

func (s *Store) rechecked(l *liveCopy, c *call, m mark) {
	a, err := c.found(l.session.Load().ID)
	now := s.now()
	switch {
	case err == nil:
		s.copies.confirm(l, a, m)
		if now.Unix() >= l.tokenEnd.Load() {
			s.cut(l)
		}
	case errors.Is(err, ErrSessionEnded) && !errors.Is(err, errLost):
		s.finish(l, CauseExpired)
	case now.Sub(s.deadline(l)) >= s.config.Load().StaleIfError:
		s.cut(l)
	}
}

func (c *call) found(sid string) (found, error) {
	if c.err != nil {
		return found{}, c.err
	}
	list, _ := c.answer.([]any)
	return readFound(sid, list)
}

package session

import (
	"errors"
	"sync"
	"time"
)

// Watch calls terminate once, within a second, when the session of auth ends on any
// instance, at its absolute end, when it was not used for too long, and
// when its newest token expires without having been renewed anywhere. Where Redis is
// unreachable at that moment this is delayed, by StaleIfError at most.
//
// The caller stops the watcher when the request or the stream is over; terminate
// may be running then. terminate must not block.
func (s *Store) Watch(auth AuthResult, terminate func()) Watcher {
	for cs := auth.cached; ; {
		w := cs.watch.Load()
		if w != nil {
			if index, generation, ok := w.add(cs, terminate); ok {
				s.metrics.watched.Inc()
				if cs.is(ended) { // since the token was checked
					w.terminateAll(cs)
				}
				return Watcher{s, w, index, generation}
			}
		}
		cs = s.addToWatchList(cs)
	}
}

// Watcher is one request or stream that is terminated when its session ends. The
// zero Watcher watches nothing.
type Watcher struct {
	store      *Store
	watchers   *watchers
	index      int
	generation uint32
}

// Stop ends the watching. It may be called more than once; the first call reports
// whether it was in time: terminate was not called and won't be.
func (w Watcher) Stop() (inTime bool) {
	if w.store == nil {
		return true
	}
	removed, inTime := w.watchers.remove(w.index, w.generation)
	if removed {
		w.store.metrics.watched.Dec()
	}
	return inTime
}

// watchers are the requests and streams that watch one session. They are used again for
// another session once there are none.
type watchers struct {
	mu      sync.Mutex
	session *cachedSession // nil while none is watched
	entries []watchEntry
	free    []int32 // indices

	// The arrays of entries and free for one request at a time, which is the usual case.
	firstEntry [1]watchEntry
	firstFree  [1]int32
}

// watchEntry is one request's. Its generation distinguishes the request from those that
// had the entry before.
type watchEntry struct {
	terminate  func()
	generation uint32
}

// add fails where another session is watched by now.
func (w *watchers) add(cs *cachedSession, terminate func()) (index int, generation uint32, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.session != cs {
		return 0, 0, false
	}
	if n := len(w.free); n > 0 {
		index = int(w.free[n-1])
		w.free = w.free[:n-1]
	} else {
		index = len(w.entries)
		w.entries = append(w.entries, watchEntry{})
	}
	w.entries[index].terminate = terminate
	return index, w.entries[index].generation, true
}

func (w *watchers) remove(index int, generation uint32) (removed, inTime bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.entries[index].generation != generation {
		return false, false // stopped before
	}
	inTime = w.entries[index].terminate != nil
	w.entries[index] = watchEntry{generation: generation + 1}
	w.free = append(w.free, int32(index))
	return true, inTime
}

// terminate calls terminate of all that watch a session that is marked ended, or whose
// newest token has expired. Who watches from now on finds the mark.
func (s *Store) terminate(cs *cachedSession) {
	if w := cs.watch.Load(); w != nil {
		w.terminateAll(cs)
	}
}

// terminateAll calls each terminate once. The entries stay in use until they are
// stopped.
func (w *watchers) terminateAll(cs *cachedSession) {
	for _, terminate := range w.takePending(cs) {
		terminate()
	}
}

func (w *watchers) takePending(cs *cachedSession) []func() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.session != cs {
		return nil // nobody watched cs any more
	}
	var all []func()
	for i := range w.entries {
		if w.entries[i].terminate != nil {
			all = append(all, w.entries[i].terminate)
			w.entries[i].terminate = nil
		}
	}
	return all
}

// assign makes w the watchers of a session.
func (w *watchers) assign(cs *cachedSession) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.session = cs
}

// unassignIfIdle succeeds where no entry is in use.
func (w *watchers) unassignIfIdle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.free) < len(w.entries) {
		return false
	}
	w.session = nil
	return true
}

// watchList is the sessions that are watched: what watchDeadlines checks.
type watchList struct {
	mu       sync.Mutex
	sessions []*cachedSession
	unused   []*watchers // to be used again
	checking bool
}

// maxUnusedWatchers bounds what is kept: under 2 MiB.
const maxUnusedWatchers = 1 << 14

func (l *watchList) newWatchers() *watchers {
	if n := len(l.unused); n > 0 {
		w := l.unused[n-1]
		l.unused = l.unused[:n-1]
		return w
	}
	w := &watchers{}
	w.entries, w.free = w.firstEntry[:0], w.firstFree[:0]
	return w
}

// list adds a session to the watch list and returns the cachedSession
// that is on it.
func (s *Store) addToWatchList(cs *cachedSession) *cachedSession {
	cs = s.cache.retain(cs)
	s.watched.mu.Lock()
	defer s.watched.mu.Unlock()
	if cs.watch.Load() != nil {
		s.cache.release(cs) // another request listed it meanwhile
		return cs
	}
	w := s.watched.newWatchers()
	w.assign(cs)
	cs.watch.Store(w)
	s.watched.sessions = append(s.watched.sessions, cs)
	return cs
}

const watchInterval = 250 * time.Millisecond

// watchDeadlines checks each watched session four times a second: for deadlines, and for
// events that may have been missed. An event that arrives terminates at once.
func (s *Store) watchDeadlines() {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-ticker.C:
			s.checkWatched(s.now())
		}
	}
}

func (s *Store) checkWatched(now time.Time) {
	var toRecheck []*cachedSession
	for _, cs := range s.stillWatched() {
		if s.checkEnded(cs, now) == nil && s.isStale(cs, now) {
			toRecheck = append(toRecheck, cs)
		}
	}
	s.watched.mu.Lock()
	defer s.watched.mu.Unlock()
	if len(toRecheck) == 0 || s.watched.checking {
		return
	}
	s.watched.checking = true
	s.spawn(func() {
		s.recheck(toRecheck)
		s.watched.mu.Lock()
		defer s.watched.mu.Unlock()
		s.watched.checking = false
	})
}

// stillWatched removes the sessions from the list that nobody watches, and returns the others.
func (s *Store) stillWatched() []*cachedSession {
	s.watched.mu.Lock()
	defer s.watched.mu.Unlock()
	kept := make([]*cachedSession, 0, len(s.watched.sessions))
	for _, cs := range s.watched.sessions {
		w := cs.watch.Load()
		if !w.unassignIfIdle() {
			kept = append(kept, cs)
			continue
		}
		cs.watch.Store(nil)
		s.cache.release(cs)
		if len(s.watched.unused) < maxUnusedWatchers && len(w.entries) == 1 {
			s.watched.unused = append(s.watched.unused, w)
		}
	}
	s.watched.sessions = kept
	return kept
}

// isStale reports whether Redis has to be queried about a watched session: its
// deadline has come, or an event may have been missed.
func (s *Store) isStale(cs *cachedSession, now time.Time) bool {
	if !now.Before(s.deadline(cs)) || cs.is(stale) || cs.epoch.Load() != s.epoch.Load() {
		return true
	}
	age := now.Sub(time.Unix(0, cs.confirmedAt.Load()))
	return !s.subscribed.Load() && age > max(s.config.Load().CacheTTL, time.Second)
}

// deadline is when the session runs out, or its newest token, as far as this instance has it.
func (s *Store) deadline(cs *cachedSession) time.Time {
	idle := time.Unix(0, cs.usedAt.Load()).Add(s.config.Load().idleTimeout(cs.packed.Load().isWeb()))
	token := time.Unix(int64(cs.tokenEnd.Load()), 0)
	if token.Before(idle) {
		return token
	}
	return idle
}

// recheck queries Redis for all of them and terminates what is over.
func (s *Store) recheck(toRecheck []*cachedSession) {
	calls := make([]*call, len(toRecheck))
	versions := make([]readVersion, len(toRecheck))
	for i, cs := range toRecheck {
		sid := cs.packed.Load().sid()
		versions[i] = s.cache.readVersion(sid, s.now(), s.epoch.Load())
		calls[i] = &call{script: loadSessionScript}
		calls[i].keys, calls[i].args = s.loadCall(sid, "")
	}
	s.redis.runAll(s.ctx, calls)
	for i, cs := range toRecheck {
		s.applyRecheck(cs, calls[i], versions[i])
	}
}

func (s *Store) applyRecheck(cs *cachedSession, c *call, v readVersion) {
	r, err := s.readRecheck(c, cs.packed.Load().sid())
	now := s.now()
	switch {
	case err == nil:
		s.cache.update(cs, r, v)
		if now.Unix() >= int64(cs.tokenEnd.Load()) {
			s.terminate(cs)
		}
	case errors.Is(err, ErrSessionEnded) && !errors.Is(err, errDataLost):
		s.markEnded(cs, CauseExpired)
	case now.Sub(s.deadline(cs)) >= s.config.Load().StaleIfError:
		s.terminate(cs)
	}
}

func (s *Store) readRecheck(c *call, sid string) (storedSession, error) {
	if c.err != nil {
		return storedSession{}, c.err
	}
	list, _ := c.reply.([]any)
	r, err := s.readStoredSession(sid, "", list)
	if err == nil {
		err = s.checkApp(s.ctx, r)
	}
	return r, err
}

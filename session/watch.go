package session

import (
	"errors"
	"sync"
	"time"
)

// Watch calls terminate once, within a second, when the session of auth ends on any
// instance, at its absolute end, after the idle timeout, or when its newest token
// expires without a renewal on any instance. If Redis is unreachable at that moment,
// this is delayed by up to StaleIfError.
//
// The caller must call Stop when the request or stream has ended; terminate may be
// running then. terminate must not block.
func (s *Store) Watch(auth AuthResult, terminate func()) Watcher {
	for cs := auth.cached; ; {
		w := cs.watchers.Load()
		if w != nil {
			if index, generation, ok := w.add(cs, terminate); ok {
				s.metrics.watched.Inc()
				if cs.is(ended) { // it may have ended since the token was verified
					w.terminateAll(cs)
				}
				return Watcher{s, w, index, generation}
			}
		}
		cs = s.addToWatchList(cs)
	}
}

// Watcher is a request or stream that is terminated when its session ends. The zero
// Watcher watches nothing.
type Watcher struct {
	store      *Store
	watchers   *watchers
	index      int
	generation uint32
}

// Stop ends the watching. It may be called more than once. The first call reports
// whether terminate has not been called; then it never will be.
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

// watchers are the requests and streams that watch one session. Without any, they are
// reused for another session.
type watchers struct {
	mu      sync.Mutex
	session *cachedSession // nil: unassigned
	entries []watchEntry
	free    []int32 // indices of unused entries

	// The initial arrays of entries and free: usually a session has one request at a time.
	firstEntry [1]watchEntry
	firstFree  [1]int32
}

// watchEntry is the entry of one request. generation distinguishes it from earlier
// requests that had the same entry.
type watchEntry struct {
	terminate  func()
	generation uint32
}

// add adds a request. ok is false if w is no longer assigned to the session.
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
		return false, false // Stop was called before
	}
	inTime = w.entries[index].terminate != nil
	w.entries[index] = watchEntry{generation: generation + 1}
	w.free = append(w.free, int32(index))
	return true, inTime
}

// terminate terminates everything that watches a session that has ended, or whose
// newest token has expired. Later calls of Watch see the flag ended.
func (s *Store) terminate(cs *cachedSession) {
	if w := cs.watchers.Load(); w != nil {
		w.terminateAll(cs)
	}
}

// terminateAll calls each terminate once. The entries stay in use until Stop.
func (w *watchers) terminateAll(cs *cachedSession) {
	for _, terminate := range w.takePending(cs) {
		terminate()
	}
}

func (w *watchers) takePending(cs *cachedSession) []func() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.session != cs {
		return nil // w was reassigned: nothing watches cs any more
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

// assign assigns w to a session.
func (w *watchers) assign(cs *cachedSession) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.session = cs
}

// unassignIfIdle unassigns w, unless an entry is in use.
func (w *watchers) unassignIfIdle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.free) < len(w.entries) {
		return false
	}
	w.session = nil
	return true
}

// watchList is the list of watched sessions, which watchDeadlines checks.
type watchList struct {
	mu       sync.Mutex
	sessions []*cachedSession
	unused   []*watchers // for reuse
	checking bool
}

// maxUnusedWatchers bounds the memory for reuse: less than 2 MiB.
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

// addToWatchList adds a session to the watch list, and returns the cachedSession that
// is on the list.
func (s *Store) addToWatchList(cs *cachedSession) *cachedSession {
	cs = s.cache.retain(cs)
	s.watched.mu.Lock()
	defer s.watched.mu.Unlock()
	if cs.watchers.Load() != nil {
		s.cache.release(cs) // another request has added it meanwhile
		return cs
	}
	w := s.watched.newWatchers()
	w.assign(cs)
	cs.watchers.Store(w)
	s.watched.sessions = append(s.watched.sessions, cs)
	return cs
}

const watchInterval = 250 * time.Millisecond

// watchDeadlines checks the watched sessions four times a second, for deadlines and
// missed events. Events that arrive terminate at once.
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
		if s.checkEnded(cs, now) == nil && s.needsRecheck(cs, now) {
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

// stillWatched removes the sessions that nothing watches from the list, and returns
// the others.
func (s *Store) stillWatched() []*cachedSession {
	s.watched.mu.Lock()
	defer s.watched.mu.Unlock()
	kept := make([]*cachedSession, 0, len(s.watched.sessions))
	for _, cs := range s.watched.sessions {
		w := cs.watchers.Load()
		if !w.unassignIfIdle() {
			kept = append(kept, cs)
			continue
		}
		cs.watchers.Store(nil)
		s.cache.release(cs)
		if len(s.watched.unused) < maxUnusedWatchers && len(w.entries) == 1 {
			s.watched.unused = append(s.watched.unused, w)
		}
	}
	s.watched.sessions = kept
	return kept
}

// needsRecheck reports whether a watched session must be loaded again: its deadline has
// passed, or an event may have been missed.
func (s *Store) needsRecheck(cs *cachedSession, now time.Time) bool {
	if !now.Before(s.deadline(cs)) || cs.is(stale) || cs.epoch.Load() != s.epoch.Load() {
		return true
	}
	age := now.Sub(time.Unix(0, cs.confirmedAt.Load()))
	return !s.subscribed.Load() && age > max(s.config.Load().CacheTTL, time.Second)
}

// deadline returns when the session or its newest token expires, as far as this
// instance knows.
func (s *Store) deadline(cs *cachedSession) time.Time {
	idle := time.Unix(0, cs.usedAt.Load()).Add(s.config.Load().idleTimeout(cs.packed.Load().isWeb()))
	token := time.Unix(int64(cs.tokenEnd.Load()), 0)
	if token.Before(idle) {
		return token
	}
	return idle
}

// recheck loads the sessions from Redis, and terminates what watches those that have
// ended.
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

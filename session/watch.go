package session

import (
	"errors"
	"sync"
	"time"
)

// watchers are the requests and streams under way on one session.
type watchers struct {
	mu      sync.Mutex
	entries []watchEntry
	free    []int32
	listed  bool // false once taken off the Store's list: a new one is needed

	// What one request at a time takes, which is the usual case.
	firstEntry [1]watchEntry
	firstFree  [1]int32
}

func newWatchers() *watchers {
	w := &watchers{listed: true}
	w.entries, w.free = w.firstEntry[:0], w.firstFree[:0]
	return w
}

// watchEntry is one request's. Its generation tells the request from those that
// had the entry before.
type watchEntry struct {
	terminate  func()
	generation uint32
}

// watchList is the sessions that are watched: what watchDeadlines looks through.
type watchList struct {
	mu       sync.Mutex
	sessions []*cachedSession
	checking bool
}

// Watch calls terminate once, within a second, when the session of auth ends on any
// instance, at its absolute end, when it was not used for too long, and
// when its newest token expires without having been renewed anywhere. Redis
// being unreachable at that moment delays it, by StaleIfError at most.
//
// The caller stops the watch when the request or the stream is over; terminate
// may be running then. terminate must not block.
func (s *Store) Watch(auth AuthResult, terminate func()) Watch {
	for cs := auth.cached; ; {
		w := cs.watch.Load()
		if w != nil {
			if index, generation, ok := w.add(terminate); ok {
				s.metrics.watched.Inc()
				if cs.is(ended) { // since the token was checked
					w.terminateAll()
				}
				return Watch{s, w, index, generation}
			}
		}
		cs = s.list(cs)
	}
}

// Watch is one request's or stream's place among those that end with their
// session. The zero Watch is of none.
type Watch struct {
	store      *Store
	watchers   *watchers
	index      int
	generation uint32
}

// Stop ends the watch. It may be called more than once; the first call reports
// whether it was in time: terminate was not called and won't be.
func (w Watch) Stop() (inTime bool) {
	if w.store == nil {
		return true
	}
	removed, inTime := w.watchers.remove(w.index, w.generation)
	if removed {
		w.store.metrics.watched.Dec()
	}
	return inTime
}

// add fails once w is off the list.
func (w *watchers) add(terminate func()) (index int, generation uint32, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.listed {
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

// terminate ends all that is watched of a session.
func (s *Store) terminate(cs *cachedSession) {
	if w := cs.watch.Load(); w != nil {
		w.terminateAll()
	}
}

// terminateAll calls each terminate once. The entries stay in use until they are
// stopped.
func (w *watchers) terminateAll() {
	for _, terminate := range w.takePending() {
		terminate()
	}
}

func (w *watchers) takePending() []func() {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []func()
	for i := range w.entries {
		if w.entries[i].terminate != nil {
			all = append(all, w.entries[i].terminate)
			w.entries[i].terminate = nil
		}
	}
	return all
}

// list puts a session on the list of the watched and returns the cachedSession
// that is on it.
func (s *Store) list(cs *cachedSession) *cachedSession {
	cs = s.cache.retain(cs)
	s.watched.mu.Lock()
	defer s.watched.mu.Unlock()
	if cs.watch.Load() != nil {
		s.cache.release(cs) // another request listed it meanwhile
		return cs
	}
	cs.watch.Store(newWatchers())
	s.watched.sessions = append(s.watched.sessions, cs)
	return cs
}

// unlistIfIdle takes w off the list if it has no entry in use.
func (w *watchers) unlistIfIdle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.free) < len(w.entries) {
		return false
	}
	w.listed = false
	return true
}

const watchInterval = 250 * time.Millisecond

// watchDeadlines checks each watched session four times a second: for deadlines, and for
// events that may have been missed. An event that arrives terminates at once.
func (s *Store) watchDeadlines() {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		select {
		case <-s.closing.Done():
			return
		case <-ticker.C:
			s.checkWatched(s.now())
		}
	}
}

func (s *Store) checkWatched(now time.Time) {
	var toRecheck []*cachedSession
	for _, cs := range s.stillWatched() {
		if s.alive(cs, now) == nil && s.isStale(cs, now) {
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

// stillWatched drops the sessions from the list that have no watch left.
func (s *Store) stillWatched() []*cachedSession {
	s.watched.mu.Lock()
	defer s.watched.mu.Unlock()
	kept := make([]*cachedSession, 0, len(s.watched.sessions))
	for _, cs := range s.watched.sessions {
		if cs.watch.Load().unlistIfIdle() {
			cs.watch.Store(nil)
			s.cache.release(cs)
			continue
		}
		kept = append(kept, cs)
	}
	s.watched.sessions = kept
	return kept
}

// isStale reports whether Redis has to be asked about a watched session: its
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
	idle := time.Unix(0, cs.usedAt.Load()).Add(s.config.Load().idle(cs.packed.Load().isWeb()))
	token := time.Unix(int64(cs.tokenEnd.Load()), 0)
	if token.Before(idle) {
		return token
	}
	return idle
}

// recheck asks Redis for all of them and terminates what is over.
func (s *Store) recheck(toRecheck []*cachedSession) {
	calls := make([]*call, len(toRecheck))
	versions := make([]readVersion, len(toRecheck))
	for i, cs := range toRecheck {
		sid := cs.packed.Load().sid()
		versions[i] = s.cache.readVersion(sid, s.now(), s.epoch.Load())
		calls[i] = &call{script: loadSessionScript}
		calls[i].keys, calls[i].args = s.loadCall(sid, "")
	}
	s.redis.runAll(s.closing, calls)
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
		err = s.checkApp(s.closing, r)
	}
	return r, err
}

package session

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"
)

// appEnds holds, for each app, when all its sessions were last ended. An entry is
// cached like a session: an event updates it at once, and Redis confirms it once in
// CacheTTL, when a session of the app is loaded. Requests of cached sessions need no
// check: the event has ended those.
type appEnds struct {
	mu   sync.Mutex
	apps map[string]appEnd
}

type appEnd struct {
	before      int64     // sessions created until then have ended; Unix milliseconds
	confirmedAt time.Time // when the query that confirmed it began
	epoch       uint32    // Store.epoch when the query that confirmed it began
}

// EndApp ends all sessions of an app, on every instance within a second. Sessions that
// start later are not affected.
func (s *Store) EndApp(ctx context.Context, appid string) error {
	result, err := s.redis.run(ctx, endAppSessionsScript, []string{s.keys.app(appid)}, s.now().UnixMilli())
	if err != nil {
		return err
	}
	before, ok := result.(string)
	if !ok {
		return unavailable("end_app", errUnexpectedReply)
	}
	s.publish(ctx, eventAppEnded+" "+before+" "+appid)
	return nil
}

// appEnded reports whether a session of the app, created at that time (Unix
// milliseconds), was ended with all the app's sessions.
func (s *Store) appEnded(ctx context.Context, appid string, created int64) (bool, error) {
	end, err := s.appEnd(ctx, appid)
	return created <= end, err
}

// checkApp returns ErrSessionEnded if the session's app is no longer configured, or if
// all sessions of the app were ended.
func (s *Store) checkApp(ctx context.Context, r storedSession) error {
	if !s.config.Load().hasApp(r.session.AppID) {
		return ErrSessionEnded
	}
	ended, err := s.appEnded(ctx, r.session.AppID, r.created)
	if err == nil && ended {
		err = ErrSessionEnded
	}
	return err
}

// hasApp reports whether an app is configured.
func (c *activeConfig) hasApp(appid string) bool { return slices.Contains(c.Apps, appid) }

// appEnd returns the time until which sessions of the app were ended, in Unix
// milliseconds; 0: none.
func (s *Store) appEnd(ctx context.Context, appid string) (int64, error) {
	now, epoch := s.now(), s.epoch.Load()
	if end, ok := s.apps.get(appid); ok && end.epoch == epoch && now.Sub(end.confirmedAt) < s.config.Load().CacheTTL {
		return end.before, nil
	}
	var text string
	key := s.keys.app(appid)
	err := s.redis.do(ctx, "app_end", key, func(ctx context.Context) (err error) {
		text, err = s.redis.Get(ctx, key).Result()
		return err
	})
	if err != nil && !isMissing(err) {
		return s.staleAppEnd(appid, now, err)
	}
	before, _ := strconv.ParseInt(text, 10, 64)
	return s.apps.update(appid, appEnd{before, now, epoch}), nil
}

func (a *appEnds) get(appid string) (appEnd, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	end, ok := a.apps[appid]
	return end, ok
}

// latest returns the latest end known, confirmed by Redis or not.
func (a *appEnds) latest(appid string) int64 {
	end, _ := a.get(appid)
	return end.before
}

// update stores an end that Redis returned, unless a later one is known, and returns
// the later of the two.
func (a *appEnds) update(appid string, end appEnd) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	end.before = max(end.before, a.apps[appid].before)
	a.apps[appid] = end
	return end.before
}

// applyEvent stores an end that an event reported.
func (a *appEnds) applyEvent(appid string, before int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	end := a.apps[appid]
	end.before = max(end.before, before)
	a.apps[appid] = end
}

// endCached ends the cached sessions of an app that were created at before or earlier.
func (s *Store) endCached(appid string, before int64) {
	for _, cs := range s.cache.all() {
		if cs.packed.Load().app.Value() == appid && cs.created <= before {
			s.markEnded(cs, "")
		}
	}
}

// removeUnconfiguredApps removes the tokens of apps that are no longer configured from
// the cache, and terminates what watches their sessions.
func (s *Store) removeUnconfiguredApps(c *activeConfig) {
	s.cache.removeTokens(func(t *cachedToken) bool { return c.hasApp(t.session.packed.Load().app.Value()) })
	for _, cs := range s.cache.all() {
		if !c.hasApp(cs.packed.Load().app.Value()) {
			s.terminate(cs)
		}
	}
}

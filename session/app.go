package session

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"
)

// appEnds is when all sessions of each app were ended last. It is cached and
// confirmed as sessions are: an event ends the cached sessions at
// once, and a session that Redis is queried for is held against an end that is as
// fresh as CacheTTL wants. So the check costs a request with a cached session
// nothing.
type appEnds struct {
	mu   sync.Mutex
	apps map[string]appEnd
}

type appEnd struct {
	before    int64 // sessions created until then have ended; Unix milliseconds
	confirmed time.Time
	epoch     uint32
}

// EndApp ends all sessions of an app, everywhere within a second. Sessions that
// are started after it are good.
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

// appEnded reports whether a session of the app that was created then has ended
// with all the app's sessions.
func (s *Store) appEnded(ctx context.Context, appid string, created int64) (bool, error) {
	end, err := s.appEnd(ctx, appid)
	return created <= end, err
}

// checkApp returns ErrSessionEnded where the session's app is not configured any
// more, or where all sessions of the app have been ended.
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

// serves reports whether an app is configured.
func (c *activeConfig) hasApp(appid string) bool { return slices.Contains(c.Apps, appid) }

func (s *Store) appEnd(ctx context.Context, appid string) (int64, error) {
	now, epoch := s.now(), s.epoch.Load()
	if end, ok := s.apps.get(appid); ok && end.epoch == epoch && now.Sub(end.confirmed) < s.config.Load().CacheTTL {
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

// staleAppEnd is what was known, where Redis can't be queried and was within StaleIfError: the
// one key of an app may lie on a node of a cluster that is unreachable, and the sessions on the
// other nodes do not depend on it.
func (s *Store) staleAppEnd(appid string, now time.Time, err error) (int64, error) {
	end, ok := s.apps.get(appid)
	if !ok || !errors.Is(err, ErrUnavailable) || now.Sub(end.confirmed) >= s.config.Load().StaleIfError {
		return 0, err
	}
	return end.before, nil
}

func (a *appEnds) get(appid string) (appEnd, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	end, ok := a.apps[appid]
	return end, ok
}

// latest is the newest end received, confirmed or not.
func (a *appEnds) latest(appid string) int64 {
	end, _ := a.get(appid)
	return end.before
}

// confirm never replaces an end by an earlier one.
func (a *appEnds) update(appid string, end appEnd) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	end.before = max(end.before, a.apps[appid].before)
	a.apps[appid] = end
	return end.before
}

// applyEvent records an end that an event reported, of an app that is configured.
func (a *appEnds) applyEvent(appid string, before int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	end := a.apps[appid]
	end.before = max(end.before, before)
	a.apps[appid] = end
}

// endCached ends the cached sessions of an app that were created until then.
func (s *Store) endCached(appid string, before int64) {
	for _, cs := range s.cache.all() {
		if cs.packed.Load().app.Value() == appid && cs.created <= before {
			s.markEnded(cs, "")
		}
	}
}

// removeUnconfiguredApps ends what is watched of apps that are configured no more, and
// takes their sessions out of the cache.
func (s *Store) removeUnconfiguredApps(c *activeConfig) {
	s.cache.removeTokens(func(t *cachedToken) bool { return c.hasApp(t.session.packed.Load().app.Value()) })
	for _, cs := range s.cache.all() {
		if !c.hasApp(cs.packed.Load().app.Value()) {
			s.terminate(cs)
		}
	}
}

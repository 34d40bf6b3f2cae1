package session

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// touchQueue bounds the sessions whose use waits for saveTouches. Further uses are
// recorded at the sessions' next use.
const touchQueue = 4096

// recordUse records a use of a session, and queues it for saveTouches.
func (s *Store) recordUse(cs *cachedSession, now time.Time) {
	storeMax(&cs.usedAt, now.UnixNano())
	if cs.is(unsaved) || !cs.set(unsaved) {
		return
	}
	select {
	case s.touches <- cs:
	default:
		cs.clear(unsaved)
	}
}

// saveTouches writes last uses to Redis: each session's at most once in
// Config.touchInterval, and always its last one, so that Redis never expires a session
// that is in use. A write that fails is repeated.
func (s *Store) saveTouches() {
	var waiting []*cachedSession
	for s.ctx.Err() == nil {
		waiting = s.gatherTouches(waiting)
		waiting = s.writeTouches(s.ctx, waiting, false)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), redisTimeout)
	defer cancel()
	s.writeTouches(ctx, waiting, true)
}

// gatherTouches receives uses for a quarter of the interval.
func (s *Store) gatherTouches(waiting []*cachedSession) []*cachedSession {
	pause := max(s.config.Load().touchInterval()/4, 10*time.Millisecond)
	timer := time.NewTimer(min(pause, 5*time.Second))
	defer timer.Stop()
	for {
		select {
		case cs := <-s.touches:
			waiting = append(waiting, cs)
			if len(waiting) >= s.config.Load().CacheSize {
				return waiting
			}
		case <-timer.C:
			return waiting
		case <-s.ctx.Done():
			return waiting
		}
	}
}

// writeTouches writes those that are due, or all, and returns the others.
func (s *Store) writeTouches(ctx context.Context, waiting []*cachedSession, all bool) []*cachedSession {
	now, every := s.now().UnixNano(), int64(s.config.Load().touchInterval())
	var due, rest []*cachedSession
	for _, cs := range waiting {
		switch {
		case cs.is(ended):
		case all || now-cs.savedAt.Load() >= every:
			due = append(due, cs)
		default:
			rest = append(rest, cs)
		}
	}
	return append(rest, s.touch(ctx, due)...)
}

// touch writes the uses and returns the sessions for which that failed.
func (s *Store) touch(ctx context.Context, due []*cachedSession) (failed []*cachedSession) {
	calls := make([]*call, len(due), 2*len(due))
	used := make([]int64, len(due))
	for i, cs := range due {
		cs.clear(unsaved) // before usedAt is read: a later use is queued again
		used[i] = cs.usedAt.Load()
		p := cs.packed.Load()
		calls[i] = s.touchCall(p, p.sid(), time.Unix(0, used[i]))
		if p.isWeb() { // a use of the parent too
			calls = append(calls, s.touchCall(p, p.rare.web.ParentID, time.Unix(0, used[i])))
		}
	}
	s.redis.runAll(ctx, calls)
	for i, cs := range due {
		if calls[i].err == nil {
			storeMax(&cs.savedAt, used[i])
			s.touched(ctx, cs, calls[i].reply)
		} else if cs.set(unsaved) {
			failed = append(failed, cs)
		}
	}
	return failed
}

func (s *Store) touchCall(p *packedSession, sid string, used time.Time) *call {
	c := s.config.Load()
	left := min(used.Add(c.IdleTimeout).Sub(s.now()), p.ends().Sub(s.now()))
	tag := tagOf(p.sid())
	return &call{
		script: touchSessionScript,
		keys:   []string{s.keys.sessions(tag), s.keys.jars(tag)},
		args:   []any{rawOf(sid), used.UnixMilli(), max(left.Milliseconds(), 1), string(c.keys[0].id[:])},
	}
}

// touched handles the script's result: the session doesn't exist, or its session_key
// was sealed with an old secret.
func (s *Store) touched(ctx context.Context, cs *cachedSession, reply any) {
	switch found := reply.(type) {
	case int64:
		if found == 0 {
			cs.set(stale)
		}
	case string:
		session := cs.packed.Load().session()
		if _, err := s.openSessionKey(ctx, &session, found); err != nil {
			s.log.Warn("a session_key can't be sealed anew", zap.String("sid", session.ID), zap.Error(err))
		}
	}
}

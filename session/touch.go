package session

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// touchQueue is how many sessions' uses may wait to be noticed by the
// toucher. What doesn't fit is noticed at the next use.
const touchQueue = 4096

// use notes a use of a session, and has it written some time soon.
func (s *Store) use(l *liveCopy, now time.Time) {
	raise(&l.usedAt, now.UnixNano())
	if l.is(unsaved) || !l.set(unsaved) {
		return
	}
	select {
	case s.touches <- l:
	default:
		l.clear(unsaved)
	}
}

// saveTouches writes last uses: of each session once in touchEvery at most,
// and in the end the last of them, so that Redis lets no session run out that
// is in use. What can't be written is tried again.
func (s *Store) saveTouches() {
	var waiting []*liveCopy
	for s.closing.Err() == nil {
		waiting = s.gatherTouches(waiting)
		waiting = s.writeTouches(s.closing, waiting, false)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.closing), redisTimeout)
	defer cancel()
	s.writeTouches(ctx, waiting, true)
}

// gatherTouches takes what comes for a quarter of the interval.
func (s *Store) gatherTouches(waiting []*liveCopy) []*liveCopy {
	pause := max(s.config.Load().touchEvery()/4, 10*time.Millisecond)
	timer := time.NewTimer(min(pause, 5*time.Second))
	defer timer.Stop()
	for {
		select {
		case l := <-s.touches:
			waiting = append(waiting, l)
			if len(waiting) >= mostCopies {
				return waiting
			}
		case <-timer.C:
			return waiting
		case <-s.closing.Done():
			return waiting
		}
	}
}

// writeTouches writes those that are due, or all, and returns the rest.
func (s *Store) writeTouches(ctx context.Context, waiting []*liveCopy, all bool) []*liveCopy {
	now, every := s.now().UnixNano(), int64(s.config.Load().touchEvery())
	var due, rest []*liveCopy
	for _, l := range waiting {
		switch {
		case l.is(ended):
		case all || now-l.savedAt.Load() >= every:
			due = append(due, l)
		default:
			rest = append(rest, l)
		}
	}
	return append(rest, s.touch(ctx, due)...)
}

// touch writes and returns those that have to wait for Redis.
func (s *Store) touch(ctx context.Context, due []*liveCopy) (failed []*liveCopy) {
	calls := make([]*call, len(due))
	used := make([]int64, len(due))
	for i, l := range due {
		l.clear(unsaved) // before usedAt is read: a use from here on queues anew
		used[i] = l.usedAt.Load()
		calls[i] = s.touchCall(l.session.Load(), time.Unix(0, used[i]))
	}
	s.redis.runAll(ctx, touchScript, calls)
	for i, l := range due {
		if calls[i].err == nil {
			raise(&l.savedAt, used[i])
			s.touched(ctx, l, calls[i].answer)
		} else if l.set(unsaved) {
			failed = append(failed, l)
		}
	}
	return failed
}

func (s *Store) touchCall(session *Session, used time.Time) *call {
	c := s.config.Load()
	left := min(used.Add(c.IdleTimeout).Sub(s.now()), session.EndsAt.Sub(s.now()))
	return &call{
		keys: []string{s.keys.session(session.ID), s.keys.jar(session.ID)},
		args: []any{used.UnixMilli(), max(left.Milliseconds(), 1), string(c.keys[0].id[:])},
	}
}

// touched sees to what the script found: a session that is gone, or a
// session_key that an old secret sealed.
func (s *Store) touched(ctx context.Context, l *liveCopy, answer any) {
	switch found := answer.(type) {
	case int64:
		if found == 0 {
			l.set(again)
		}
	case string:
		if _, err := s.openKey(ctx, l.session.Load(), found); err != nil {
			s.log.Warn("a session_key can't be sealed anew", zap.String("sid", l.session.Load().ID), zap.Error(err))
		}
	}
}

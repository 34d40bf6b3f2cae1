package session

import (
	"context"
)

// End ends a session on every instance within a second, and terminates what watches
// it. It reports whether the session existed.
func (s *Store) End(ctx context.Context, sid string, cause Cause) (bool, error) {
	if !validSID(sid) {
		return false, nil
	}
	tag := tagOf(sid)
	result, err := s.redis.runList(ctx, endSessionScript, []string{s.keys.sessions(tag), s.keys.jars(tag)}, rawOf(sid))
	if err != nil {
		return false, err
	}
	existed := reply(result).number(0)
	s.publish(ctx, sessionEvent(eventEnded, tag, append(reply(result).list(1), rawOf(sid))))
	s.metrics.ended.WithLabelValues(string(cause)).Add(float64(existed))
	return existed == 1, nil
}

// EndAll ends all sessions of a user and returns how many there were.
func (s *Store) EndAll(ctx context.Context, appid, openid string, cause Cause) (int, error) {
	return s.endUserSessions(ctx, appid, openid, cause, "")
}

func (s *Store) endUserSessions(ctx context.Context, appid, openid string, cause Cause, ban string) (int, error) {
	tag := userTag(appid, openid)
	keys := []string{s.keys.user(tag), s.keys.sessions(tag), s.keys.jars(tag)}
	result, err := s.redis.runList(ctx, endUserSessionsScript, keys, ban, appid, openid)
	if err != nil {
		return 0, err
	}
	ended, pages := reply(result).list(0), reply(result).list(1)
	s.publish(ctx, sessionEvent(eventEnded, tag, append(pages, ended...)))
	s.metrics.ended.WithLabelValues(string(cause)).Add(float64(len(ended)))
	return len(ended), nil
}

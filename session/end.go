package session

import (
	"context"
)

// End ends a session everywhere within a second, its watched requests
// included. It tells whether there was one.
func (s *Store) End(ctx context.Context, sid string, cause Cause) (bool, error) {
	if !validSID(sid) {
		return false, nil
	}
	there, err := s.redis.runInt(ctx, endSessionScript, []string{s.keys.ofUser(sid), s.keys.session(sid), s.keys.jar(sid)},
		sid[halfLength:], s.keys.events(), sid)
	if err != nil {
		return false, err
	}
	s.event(eventEnded + " " + sid) // here at once, subscribed or not
	s.metrics.ended.WithLabelValues(string(cause)).Add(float64(there))
	return there == 1, nil
}

// EndAll ends all sessions of a user and returns how many there were.
func (s *Store) EndAll(ctx context.Context, appid, openid string, cause Cause) (int, error) {
	return s.endAll(ctx, appid, openid, cause, "", "")
}

func (s *Store) endAll(ctx context.Context, appid, openid string, cause Cause, until, reason string) (int, error) {
	tag := userTag(appid, openid)
	answer, err := s.redis.runList(ctx, endUserSessionsScript, []string{s.keys.user(tag)},
		s.keys.sessions(tag), s.keys.jars(tag), tag, s.keys.events(), until, reason, appid, openid)
	if err != nil {
		return 0, err
	}
	n := reply(answer).number(0)
	s.event(reply(answer).text(1)) // here at once, subscribed or not
	s.metrics.ended.WithLabelValues(string(cause)).Add(float64(n))
	return int(n), nil
}

package session

import (
	"context"
	"time"
)

// End ends a session everywhere within a second, its watched requests
// included. It tells whether there was one.
func (s *Store) End(ctx context.Context, sid string, cause Cause) (bool, error) {
	if !validSID(sid) {
		return false, nil
	}
	there, err := s.redis.runInt(ctx, endScript, []string{s.keys.ofUser(sid), s.keys.session(sid), s.keys.jar(sid)},
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

// Ban keeps a user from logging in.
type Ban struct {
	Reason string
	Until  time.Time // zero: for good
}

// Ban ends all sessions of a user and refuses him to log in, in one step.
// He need not have logged in before. It returns how many sessions there were.
func (s *Store) Ban(ctx context.Context, appid, openid string, ban Ban) (int, error) {
	var until int64
	if !ban.Until.IsZero() {
		until = ban.Until.UnixMilli()
	}
	return s.endAll(ctx, appid, openid, CauseBan, decimal(until), ban.Reason)
}

func (s *Store) endAll(ctx context.Context, appid, openid string, cause Cause, until, reason string) (int, error) {
	tag := userTag(appid, openid)
	answer, err := s.redis.runList(ctx, endAllScript, []string{s.keys.user(tag)},
		s.keys.sessions(tag), s.keys.jars(tag), tag, s.keys.events(), until, reason, appid, openid)
	if err != nil {
		return 0, err
	}
	n := reply(answer).number(0)
	s.event(reply(answer).text(1)) // here at once, subscribed or not
	s.metrics.ended.WithLabelValues(string(cause)).Add(float64(n))
	return int(n), nil
}

// Unban lets a user log in again and tells whether he was banned.
func (s *Store) Unban(ctx context.Context, appid, openid string) (bool, error) {
	key := s.keys.user(userTag(appid, openid))
	var removed int64
	err := s.redis.ask(ctx, "unban", key, func(ctx context.Context) (err error) {
		removed, err = s.redis.HDel(ctx, key, "b", "B").Result()
		return err
	})
	return removed > 0, err
}

package session

import (
	"context"
	"time"
)

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

// Unban lets a user log in again and tells whether he was banned.
func (s *Store) Unban(ctx context.Context, appid, openid string) (bool, error) {
	key := s.keys.user(userTag(appid, openid))
	var removed int64
	err := s.redis.do(ctx, "unban", key, func(ctx context.Context) (err error) {
		removed, err = s.redis.HDel(ctx, key, "b", "B").Result()
		return err
	})
	return removed > 0, err
}

// Blocked returns a *BlockedError for a user who is banned now.
func (s *Store) Blocked(ctx context.Context, appid, openid string) error {
	var ban []any
	key := s.keys.user(userTag(appid, openid))
	err := s.redis.do(ctx, "blocked", key, func(ctx context.Context) (err error) {
		ban, err = s.redis.HMGet(ctx, key, "b", "B").Result()
		return err
	})
	if err != nil {
		return err
	}
	r := reply(ban)
	if r.text(0) == "" {
		return nil
	}
	until := banEnd(r.number(0))
	if !until.IsZero() && !s.now().Before(until) {
		return nil
	}
	return &BlockedError{Reason: r.text(1), Until: until}
}

// banEnd reads a ban's end as it is kept: 0 is for good.
func banEnd(millis int64) time.Time {
	if millis == 0 {
		return time.Time{}
	}
	return time.UnixMilli(millis)
}

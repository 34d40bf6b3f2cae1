package session

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Ban keeps a user from logging in.
type Ban struct {
	Reason string
	Until  time.Time // zero: for good
}

// String is the form in Redis: the end in ms, 0 for good, and the reason.
func (b Ban) String() string {
	var until int64
	if !b.Until.IsZero() {
		until = b.Until.UnixMilli()
	}
	return fmt.Sprintf("%d %s", until, b.Reason)
}

func (b *Ban) inForce(now time.Time) bool {
	return b != nil && (b.Until.IsZero() || now.Before(b.Until))
}

// readBan returns the ban in a user's field b, nil where there is none. One
// without a valid MAC is a ban for good: it may be one whose end or whose MAC
// somebody has changed, or one of a secret that is no longer given, and nobody
// is let in because of that.
func (s *Store) readBan(r *signedFields, stored string) *Ban {
	if stored == "" {
		return nil
	}
	text, ok := r.read("b", stored)
	if !ok {
		return &Ban{}
	}
	until, reason, _ := strings.Cut(text, " ")
	return &Ban{Reason: reason, Until: millisText(until)}
}

// Ban ends all sessions of a user and refuses him to log in, in one step.
// He need not have logged in before. It returns how many sessions there were.
func (s *Store) Ban(ctx context.Context, appid, openid string, ban Ban) (int, error) {
	stored := s.config.Load().keys.signField(s.keys.user(userTag(appid, openid)), "b", ban.String())
	return s.endUserSessions(ctx, appid, openid, CauseBan, stored)
}

// Unban lets a user log in again and reports whether he was banned.
func (s *Store) Unban(ctx context.Context, appid, openid string) (bool, error) {
	key := s.keys.user(userTag(appid, openid))
	var removed int64
	err := s.redis.do(ctx, "unban", key, func(ctx context.Context) (err error) {
		removed, err = s.redis.HDel(ctx, key, "b").Result()
		return err
	})
	return removed > 0, err
}

// UserStatus is what is stored of a user before he logs in.
type UserStatus struct {
	IsNew bool  // he has never logged in; two logins that race may both read so
	Phone Phone // zero: not known
}

// CheckBan returns a *BlockedError for a user who is banned now, and otherwise what is
// stored of him.
func (s *Store) CheckBan(ctx context.Context, appid, openid string) (UserStatus, error) {
	key := s.keys.user(userTag(appid, openid))
	var stored []any
	err := s.redis.do(ctx, "check_ban", key, func(ctx context.Context) (err error) {
		stored, err = s.redis.HMGet(ctx, key, "f", "b", "p").Result()
		return err
	})
	if err != nil {
		return UserStatus{}, err
	}
	fields := reply(stored)
	if err := s.blockedBy(key, fields.text(1)); err != nil {
		return UserStatus{}, err
	}
	phone, err := parsePhone(s.signedFields(key).text("p", fields.text(2)))
	if err != nil {
		return UserStatus{}, fmt.Errorf("%w: check_ban: %w", ErrUnavailable, err)
	}
	return UserStatus{IsNew: fields.text(0) == "", Phone: phone}, nil
}

func (s *Store) blockedBy(key, stored string) error {
	r := s.signedFields(key)
	ban := s.readBan(r, stored)
	if !ban.inForce(s.now()) {
		return nil
	}
	s.signAgain(r.outdated)
	return &BlockedError{Reason: ban.Reason, Until: ban.Until}
}

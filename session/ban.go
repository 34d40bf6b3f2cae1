package session

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Ban prevents a user from logging in.
type Ban struct {
	Reason string
	Until  time.Time // zero: permanent
}

// String returns the form that is stored in Redis: the end in Unix milliseconds, 0 if
// permanent, and the reason.
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

// readBan returns the ban in a user's field b; nil if there is none. A field without a
// valid MAC is read as a permanent ban: somebody may have changed its end, or its
// secret may no longer be configured, and neither must let the user in.
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

// Ban ends all sessions of a user and refuses further logins, in one step. The user
// may not have logged in yet. It returns the number of sessions that were ended.
func (s *Store) Ban(ctx context.Context, appid, openid string, ban Ban) (int, error) {
	stored := s.config.Load().keys.signField(s.keys.user(userTag(appid, openid)), "b", ban.String())
	return s.endUserSessions(ctx, appid, openid, CauseBan, stored)
}

// Unban permits a user to log in again, and reports whether there was a ban.
func (s *Store) Unban(ctx context.Context, appid, openid string) (bool, error) {
	key := s.keys.user(userTag(appid, openid))
	var removed int64
	err := s.redis.do(ctx, "unban", key, func(ctx context.Context) (err error) {
		removed, err = s.redis.HDel(ctx, key, "b").Result()
		return err
	})
	return removed > 0, err
}

// UserStatus is what is stored of a user before a login.
type UserStatus struct {
	IsNew bool  // never logged in before; true for each of several concurrent first logins
	Phone Phone // zero: unknown
}

// CheckBan returns a *BlockedError for a user who is banned now, and otherwise the
// user's status.
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

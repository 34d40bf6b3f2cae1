package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"wxgate/secret"
)

// Login is what WeChat, and the login hook, said of a user who logs in.
type Login struct {
	AppID      string // 1 to 128 bytes of UTF-8 without control characters, as OpenID
	OpenID     string
	UnionID    string   // empty: not told; a known one stays
	UserID     string   // of the hook
	Roles      []string // of the hook; nil with an empty UserID: no hook, or it could not be asked
	SessionKey secret.Text
	Phone      *Phone // nil: not told; a known one stays
}

const maxName = 128 // bytes of an appid or an openid

var errLogin = errors.New("login without a proper appid, openid or session_key")

func (l Login) check() error {
	if !plainText(l.AppID, maxName) || !plainText(l.OpenID, maxName) || l.SessionKey == "" {
		return errLogin
	}
	return nil
}

// Login starts a session and tells whether it is the user's first ever: once
// only, even when two logins race. It returns a *BlockedError for a banned
// user; ban, login and what must give way to it are one step.
func (s *Store) Login(ctx context.Context, login Login) (Token, *Session, bool, error) {
	if err := login.check(); err != nil {
		return Token{}, nil, false, err
	}
	c, now := s.config.Load(), s.now()
	session := newSession(login, now, c)
	token, field, end, err := c.issue(session, now)
	if err != nil {
		return Token{}, nil, false, err
	}
	keys, args := s.loginCall(c, login, session, now, field, end)
	answer, err := s.redis.runList(ctx, loginScript, keys, args...)
	if err != nil {
		return Token{}, nil, false, err
	}
	return s.loggedIn(token, session, reply(answer))
}

func (s *Store) loggedIn(token Token, session *Session, answer reply) (Token, *Session, bool, error) {
	switch answer.text(0) {
	case "done":
		s.metrics.started.Inc()
		s.metrics.ended.WithLabelValues(string(CauseReplaced)).Add(float64(answer.number(2)))
		s.event(answer.text(5)) // here at once, subscribed or not
		s.event(answer.text(6))
		session.UnionID = answer.text(3)
		err := readPhone(answer.text(4), &session.Phone)
		return token, session, answer.number(1) == 1, err
	case "blocked":
		return Token{}, nil, false, &BlockedError{Reason: answer.text(2), Until: banEnd(answer.number(1))}
	}
	return Token{}, nil, false, unavailable("login", errUnexpectedReply)
}

// newSession has whole milliseconds, as Redis keeps them.
func newSession(l Login, now time.Time, c *activeConfig) *Session {
	s := &Session{
		ID: userTag(l.AppID, l.OpenID) + newID(), AppID: l.AppID, OpenID: l.OpenID, UnionID: l.UnionID,
		UserID: l.UserID, Roles: slices.Clone(l.Roles), EndsAt: time.UnixMilli(now.Add(c.MaxLifetime).UnixMilli()),
	}
	if l.Phone != nil {
		s.Phone = l.Phone.Number
	}
	return s
}

func (s *Store) loginCall(c *activeConfig, l Login, session *Session, now time.Time, field string, end time.Time) (keys []string, args []any) {
	tag, told, roles, phone := session.ID[:halfLength], "0", "", ""
	if l.UserID != "" || l.Roles != nil {
		told = "1"
	}
	if len(l.Roles) > 0 {
		roles = writeJSON(l.Roles)
	}
	if l.Phone != nil {
		phone = writeJSON(*l.Phone)
	}
	sealed := c.sealSessionKey(session, l.SessionKey)
	return []string{s.keys.user(tag), s.keys.session(session.ID)}, []any{
		now.UnixMilli(), session.ID[halfLength:], session.EndsAt.UnixMilli(),
		min(c.IdleTimeout, c.MaxLifetime).Milliseconds(), c.maxPerUser(), s.keys.events(),
		tag, s.keys.sessions(tag), s.keys.jars(tag), end.Unix(), field, sealed,
		l.AppID, l.OpenID, l.UnionID, phone, l.UserID, roles, told,
	}
}

// issue makes a token of the configured format. field is where an opaque
// one's hash is to be kept, empty for a JWT. No token outlives its session.
func (c *activeConfig) issue(s *Session, now time.Time) (token Token, field string, end time.Time, err error) {
	// Whole seconds, never less than the ttl. It may lie behind the session's
	// end, which is checked on its own and has an error of its own.
	end = now.Add(c.TokenTTL + time.Second - 1).Truncate(time.Second)
	var value secret.Text
	if c.TokenFormat == FormatOpaque {
		value, field = c.tokens.opaque(s.ID)
	} else {
		value, err = c.tokens.jwt(s, now, end)
	}
	return Token{
		Value: value, ExpiresIn: min(end.Sub(now), c.TokenTTL, s.EndsAt.Sub(now)),
		SessionExpiresIn: min(s.EndsAt.Sub(now), c.IdleTimeout),
	}, field, end, err
}

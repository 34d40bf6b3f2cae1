package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"wxgate/secret"
)

// Login is what WeChat and the login hook returned for a user who logs in.
type Login struct {
	AppID      string // 1 to 128 bytes of UTF-8 without control characters, as OpenID
	OpenID     string
	UnionID    string   // empty: not known now; a stored one stays
	UserID     string   // of the hook
	Roles      []string // of the hook; nil with an empty UserID: no hook, or it could not be reached
	SessionKey secret.Text
	Phone      *Phone // nil: not known now; a stored one stays
}

const maxName = 128 // bytes of an appid or an openid

var errLogin = errors.New("login without a proper appid, openid or session_key, or of an app that is not configured")

func (l Login) check(c *activeConfig) error {
	if !c.hasApp(l.AppID) || !plainText(l.AppID, maxName) || !plainText(l.OpenID, maxName) || l.SessionKey == "" {
		return errLogin
	}
	if l.Phone != nil {
		return l.Phone.check()
	}
	return nil
}

// Login starts a session and reports whether it is the user's first ever: once
// only, even when two logins race. It returns a *BlockedError for a banned
// user; ban, login and what must make room for it are one step.
func (s *Store) Login(ctx context.Context, login Login) (Token, *Session, bool, error) {
	c, now := s.config.Load(), s.now()
	if err := login.check(c); err != nil {
		return Token{}, nil, false, err
	}
	session := newSession(login, now, c)
	token, opaque, end, err := c.issue(session, now)
	if err != nil {
		return Token{}, nil, false, err
	}
	call := loginCall{login: login, session: session, now: now, opaque: opaque, tokenEnd: end}
	result, err := s.runLogin(ctx, c, call)
	if err == nil && result.text(0) == "blocked" {
		result, err = s.retryLogin(ctx, c, call, result.text(1))
	}
	if err != nil {
		return Token{}, nil, false, err
	}
	isNew, err := s.applyLogin(ctx, session, result)
	if err != nil {
		return Token{}, nil, false, err
	}
	return token, session, isNew, nil
}

// retryLogin is for a user with a ban. Whether it is over is decided here, where
// its MAC can be checked; the script then removes this very one.
func (s *Store) retryLogin(ctx context.Context, c *activeConfig, call loginCall, ban string) (reply, error) {
	if err := s.blockedBy(s.keys.user(tagOf(call.session.ID)), ban); err != nil {
		return nil, err
	}
	call.endedBan = ban
	return s.runLogin(ctx, c, call)
}

// applyLogin completes the session by what the script found, and publishes what it
// has done to others.
func (s *Store) applyLogin(ctx context.Context, session *Session, result reply) (isNew bool, err error) {
	switch result.text(0) {
	case "blocked": // anew, between the two runs
		return false, &BlockedError{}
	case "done":
	default:
		return false, unavailable("login", errUnexpectedReply)
	}
	tag, replaced := tagOf(session.ID), result.list(4)
	s.metrics.started.Inc()
	s.metrics.ended.WithLabelValues(string(CauseReplaced)).Add(float64(len(replaced)))
	s.publish(ctx, sessionEvent(eventEnded, tag, append(result.list(6), replaced...)))
	s.publish(ctx, sessionEvent(eventChanged, tag, result.list(5)))
	if len(result) > 2 {
		user := s.signedFields(s.keys.user(tag))
		session.UnionID = user.text("n", result.text(2))
		err = readPhone(user.text("p", result.text(3)), &session.Phone)
		s.signAgain(user.outdated)
	}
	return result.number(1) == 1, err
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

// loginCall is one run of the login script.
type loginCall struct {
	login    Login
	session  *Session
	now      time.Time
	opaque   string // an opaque token's field without the session's half, or empty
	tokenEnd time.Time
	endedBan string // as it is stored
}

// runLogin runs the script in one round trip with the entries that the user is
// found by. The result is a list as login.lua returns it, of two where that is all.
func (s *Store) runLogin(ctx context.Context, c *activeConfig, l loginCall) (reply, error) {
	calls := s.loginCalls(c, l)
	s.redis.runAll(ctx, calls)
	script := calls[len(calls)-1]
	if script.err != nil {
		return nil, script.err
	}
	switch r := script.reply.(type) {
	case []any:
		return r, nil
	case int64:
		return reply{"done", r}, nil
	}
	return nil, unavailable("login", errUnexpectedReply)
}

// loginCalls are the writes of a login, the script last.
func (s *Store) loginCalls(c *activeConfig, l loginCall) []*call {
	keys, args := s.loginArgs(c, l)
	calls := s.indexCalls(tagOf(l.session.ID), l.login.AppID, l.facts()...)
	return append(calls, &call{script: loginScript, keys: keys, args: args})
}

func (l loginCall) facts() []fact {
	return []fact{{byUnionID, l.login.UnionID}, {byUserID, l.login.UserID}, {byPhone, l.session.Phone}}
}

// loginArgs are in the order of login.lua, without the empty ones at the end.
func (s *Store) loginArgs(c *activeConfig, l loginCall) (keys []string, args []any) {
	tag, raw := tagOf(l.session.ID), rawOf(l.session.ID)
	sessions, user := s.keys.sessions(tag), s.keys.user(tag)
	life := lifetime{l.now.UnixMilli(), l.session.EndsAt}
	var phone, roles, told, opaque, opaqueEnd, appEnd string
	if l.login.Phone != nil {
		phone = l.login.Phone.String()
	}
	if len(l.login.Roles) > 0 {
		roles = writeJSON(l.login.Roles)
	}
	if l.login.UserID != "" || l.login.Roles != nil {
		told = "1"
	}
	if l.opaque != "" {
		opaque, opaqueEnd = l.opaque, decimal(l.tokenEnd.Unix())
	}
	if end := s.apps.latest(l.login.AppID); end > 0 {
		appEnd = decimal(end)
	}
	sign := func(key, field, value string) string {
		if value == "" {
			return ""
		}
		return c.keys.signField(key, field, value)
	}
	args = []any{
		life.created, raw, sign(sessions, raw+"s", life.String()), c.sealSessionKey(l.session, l.login.SessionKey), l.tokenEnd.Unix(),
		c.maxPerUser(), l.now.Add(-c.IdleTimeout).UnixMilli(), min(c.IdleTimeout, c.MaxLifetime).Milliseconds(),
		l.login.AppID, l.login.OpenID, sign(user, "n", l.login.UnionID), opaque, sign(sessions, raw+opaque, opaqueEnd),
		told, sign(user, "i", l.login.UserID), sign(user, "r", roles), sign(sessions, raw+"i", l.login.UserID), sign(sessions, raw+"r", roles),
		sign(user, "p", phone), appEnd, l.endedBan,
	}
	for args[len(args)-1] == "" {
		args = args[:len(args)-1]
	}
	return []string{user, sessions, s.keys.jars(tag)}, args
}

// issue makes a token of the configured format. opaque is where an opaque one's
// hash is to be kept, empty for a JWT. No token outlives its session.
func (c *activeConfig) issue(s *Session, now time.Time) (token Token, opaque string, end time.Time, err error) {
	// Whole seconds, never less than the ttl. It may lie behind the session's
	// end, which is checked on its own and has an error of its own.
	end = now.Add(c.TokenTTL + time.Second - 1).Truncate(time.Second)
	var value secret.Text
	if c.TokenFormat == FormatOpaque {
		value, opaque = c.tokens.opaque(s.ID)
	} else {
		value, err = c.tokens.jwt(s, now, end)
	}
	return Token{
		Value: value, ExpiresIn: min(end.Sub(now), c.TokenTTL, s.EndsAt.Sub(now)),
		SessionExpiresIn: min(s.EndsAt.Sub(now), c.IdleTimeout),
	}, opaque, end, err
}

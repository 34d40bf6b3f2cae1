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
	UnionID    string   // empty: not returned; a stored one is kept
	UserID     string   // of the hook
	Roles      []string // of the hook; nil with an empty UserID: no hook, or it could not be reached
	SessionKey secret.Text
	Phone      *Phone // nil: not returned; a stored one is kept
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

// Login starts a session, and reports whether it is the user's first: true once only,
// even for concurrent logins. It returns a *BlockedError for a banned user. The ban
// check, the login, and the end of sessions beyond MaxPerUser are one atomic step.
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

// retryLogin is called for a user with a ban. It checks its MAC and whether it has
// expired, which the script can't, and runs the script again to remove exactly this
// ban.
func (s *Store) retryLogin(ctx context.Context, c *activeConfig, call loginCall, ban string) (reply, error) {
	if err := s.blockedBy(s.keys.user(tagOf(call.session.ID)), ban); err != nil {
		return nil, err
	}
	call.endedBan = ban
	return s.runLogin(ctx, c, call)
}

// applyLogin completes the session with the script's result, and publishes what the
// script changed in other sessions.
func (s *Store) applyLogin(ctx context.Context, session *Session, result reply) (isNew bool, err error) {
	switch result.text(0) {
	case "blocked": // banned again between the two runs
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

// newSession returns the session of a login. Its end is in whole milliseconds, as
// Redis stores it.
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
	opaque   string // the field of an opaque token, without the session's random half; empty for a JWT
	tokenEnd time.Time
	endedBan string // the expired ban to remove, as stored
}

// runLogin runs the script and adds the user to the index, in one round trip. The
// result is the list of login.lua, or its first two elements if the others would be
// empty.
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

// loginCalls returns the operations of a login, the script last.
func (s *Store) loginCalls(c *activeConfig, l loginCall) []*call {
	keys, args := s.loginArgs(c, l)
	calls := s.indexCalls(tagOf(l.session.ID), l.login.AppID, l.facts()...)
	return append(calls, &call{script: loginScript, keys: keys, args: args})
}

func (l loginCall) facts() []fact {
	return []fact{{byUnionID, l.login.UnionID}, {byUserID, l.login.UserID}, {byPhone, l.session.Phone}}
}

// loginArgs returns the arguments in the order of login.lua, without empty ones at the
// end.
func (s *Store) loginArgs(c *activeConfig, l loginCall) (keys []string, args []any) {
	tag, raw := tagOf(l.session.ID), rawOf(l.session.ID)
	sessions, user := s.keys.sessions(tag), s.keys.user(tag)
	life := lifetime{l.now.UnixMilli(), l.session.EndsAt}
	var phone, roles, hookResponded, opaque, opaqueEnd, appEnd string
	if l.login.Phone != nil {
		phone = l.login.Phone.String()
	}
	if len(l.login.Roles) > 0 {
		roles = writeJSON(l.login.Roles)
	}
	if l.login.UserID != "" || l.login.Roles != nil {
		hookResponded = "1"
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
		hookResponded, sign(user, "i", l.login.UserID), sign(user, "r", roles), sign(sessions, raw+"i", l.login.UserID), sign(sessions, raw+"r", roles),
		sign(user, "p", phone), appEnd, l.endedBan,
	}
	for args[len(args)-1] == "" {
		args = args[:len(args)-1]
	}
	return []string{user, sessions, s.keys.jars(tag)}, args
}

// issue returns a new token in the configured format. opaque is the field under which
// an opaque token's hash is stored, empty for a JWT. No token is valid longer than its
// session.
func (c *activeConfig) issue(s *Session, now time.Time) (token Token, opaque string, end time.Time, err error) {
	// Whole seconds, never less than TokenTTL. It may be after the session's end, which is
	// checked separately and has its own error.
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

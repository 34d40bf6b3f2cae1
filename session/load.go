package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unique"
)

// storedSession is a session as loaded from Redis.
type storedSession struct {
	session   *Session
	created   int64     // Unix milliseconds
	lastSeen  time.Time // the last use that was written
	tokenEnd  int64     // of the newest token, Unix seconds
	opaqueEnd int64     // of the requested opaque token; 0: there is none
	outdated  []outdatedField
}

// errDataLost is returned for a session whose user is not stored either.
//
// If only the session is missing, it was ended or has expired: ErrSessionEnded. But users
// are never deleted, so without the user the data itself is lost: Redis was restarted
// empty, flushed, or failed over to a node without data. Cached sessions that were
// confirmed within StaleIfError can still be used, so that not all clients log in at once
// and there is time to restore the data. Sessions that are not cached have ended: only a
// login can help. A node that is not (yet) the master returns neither error: the script
// writes before it returns that there is no session, and that fails.
var errDataLost = fmt.Errorf("%w: the store has lost its data", ErrSessionEnded)

// errMismatch is returned for the reply to another query, which a broken connection or
// a proxy may deliver. It must never be taken for an identity.
var errMismatch = fmt.Errorf("%w: reply of another session", ErrUnavailable)

// load loads a session from Redis, and the end of an opaque token if field is its
// field.
func (s *Store) load(ctx context.Context, sid, field string) (storedSession, error) {
	keys, args := s.loadCall(sid, field)
	result, err := s.redis.runList(ctx, loadSessionScript, keys, args...)
	if err != nil {
		return storedSession{}, err
	}
	return s.readStoredSession(sid, field, result)
}

func (s *Store) loadCall(sid, field string) (keys []string, args []any) {
	tag := tagOf(sid)
	return []string{s.keys.sessions(tag), s.keys.user(tag)}, []any{sid, rawOf(sid), field}
}

func (s *Store) readStoredSession(sid, field string, result []any) (storedSession, error) {
	r := reply(result)
	if r.text(0) != sid {
		return storedSession{}, errMismatch
	}
	switch r.text(1) {
	case "found":
		return s.readSession(sid, field, r)
	case "ended":
		return storedSession{}, ErrSessionEnded
	case "lost":
		return storedSession{}, errDataLost
	}
	return storedSession{}, unavailable("load", errUnexpectedReply)
}

// readSession reads the fields in the order of load_session.lua. appid and openid need
// no MAC: the session id is made from their hash, which is compared.
func (s *Store) readSession(sid, opaqueField string, r reply) (storedSession, error) {
	tag, raw := tagOf(sid), rawOf(sid)
	session := &Session{ID: sid, AppID: unique.Make(r.text(7)).Value(), OpenID: r.text(8)}
	if userTag(session.AppID, session.OpenID) != tag {
		return storedSession{}, errMismatch
	}
	sessionFields, userFields := s.signedFields(s.keys.sessions(tag)), s.signedFields(s.keys.user(tag))
	owner, ok := sessionFields.owner(raw, r.text(11))
	if owner != raw {
		session.Web = &Web{ParentID: tag + textHalf(owner)}
	}
	life, found := readLifetime(sessionFields.text(owner+"s", r.text(2)))
	if !ok || !found {
		return storedSession{}, ErrSessionEnded
	}
	use := readLastUse(r.text(3))
	if !s.now().Before(s.idleEnd(session.Web != nil, use.seen, life.ends)) {
		return storedSession{}, ErrSessionEnded
	}
	session.EndsAt = life.ends
	session.UserID = sessionFields.text(owner+"i", r.text(4))
	session.UnionID = userFields.text("n", r.text(9))
	err := errors.Join(readJSON(sessionFields.text(owner+"r", r.text(5)), &session.Roles), readPhone(userFields.text("p", r.text(10)), &session.Phone))
	if err != nil {
		return storedSession{}, fmt.Errorf("%w: load: %w", ErrUnavailable, err)
	}
	end, _ := strconv.ParseInt(sessionFields.text(raw+opaqueField, r.text(6)), 10, 64)
	return storedSession{
		session: session, created: life.created, lastSeen: use.seen, tokenEnd: use.tokenEnd, opaqueEnd: end,
		outdated: append(sessionFields.outdated, userFields.outdated...),
	}, nil
}

// owner returns the random half of the session whose lifetime, user id and roles
// apply: that of the session itself or, for a web session, of its parent.
func (r *signedFields) owner(raw, page string) (string, bool) {
	if page == "" {
		return raw, true
	}
	value, ok := r.read(raw+"w", page)
	if !ok || len(value) < rawLength {
		return raw, false
	}
	return value[:rawLength], true
}

// idleEnd returns when a session ends if it isn't used again: after the idle timeout,
// or at its absolute end if that is sooner.
func (s *Store) idleEnd(web bool, lastSeen, ends time.Time) time.Time {
	idle := lastSeen.Add(s.config.Load().idleTimeout(web))
	if ends.Before(idle) {
		return ends
	}
	return idle
}

// lifetime is the part of a session that never changes.
type lifetime struct {
	created int64 // Unix milliseconds
	ends    time.Time
}

func (l lifetime) String() string { return fmt.Sprintf("%d %d", l.created, l.ends.UnixMilli()) }

func readLifetime(text string) (lifetime, bool) {
	created, ends, ok := strings.Cut(text, " ")
	if !ok {
		return lifetime{}, false
	}
	from, err1 := strconv.ParseInt(created, 10, 64)
	until, err2 := strconv.ParseInt(ends, 10, 64)
	return lifetime{from, time.UnixMilli(until)}, err1 == nil && err2 == nil
}

// lastUse is the part of a session that scripts change. It has no MAC: it can only
// extend a session within its lifetime.
type lastUse struct {
	seen     time.Time
	tokenEnd int64 // of the newest token, Unix seconds
}

func readLastUse(text string) lastUse {
	parts := strings.Fields(text)
	if len(parts) < 2 {
		return lastUse{}
	}
	end, _ := strconv.ParseInt(parts[1], 10, 64)
	return lastUse{millisText(parts[0]), end}
}

// readJSON decodes text that this package wrote; "" leaves v unchanged.
func readJSON(text string, v any) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), v)
}

func writeJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // only for types that JSON can't hold
	}
	return string(text)
}

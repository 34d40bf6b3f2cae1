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

// storedSession is a session as Redis has it.
type storedSession struct {
	session   *Session
	created   int64     // Unix milliseconds
	lastSeen  time.Time // the last use, as far as written
	tokenEnd  int64     // of the newest token, Unix seconds
	opaqueEnd int64     // of the requested opaque token; 0: there is none
	outdated  []outdatedField
}

// What Redis can reply about a session that it does not have.
//
// ErrSessionEnded: the user is there and the session isn't, so it was ended or
// ran out. errDataLost: not even the user is there. Users are kept for good, so
// the data itself is gone: a Redis restarted empty, flushed, or failed over to a
// node that held nothing. That is a fault, not an end: a cached session confirmed
// within StaleIfError goes on, which keeps clients from all logging in at once
// and leaves time to restore the data; one that isn't cached has ended, since
// nothing but a login can help it. A node that is not (or not yet) the master
// returns neither: the script writes before it returns that there is no session, and fails there.
var errDataLost = fmt.Errorf("%w: the store has lost its data", ErrSessionEnded)

// errMismatch is a reply to another question, which a broken connection or
// a proxy may give. It must never become an identity.
var errMismatch = fmt.Errorf("%w: reply of another session", ErrUnavailable)

// load queries Redis for a session; field is an opaque token's, or empty.
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

// readSession takes the fields in the order of load_session.lua. The user's
// names must be those that the id was made of: an openid can't come from
// anywhere else, so they need no MAC.
func (s *Store) readSession(sid, opaqueField string, r reply) (storedSession, error) {
	tag, raw := tagOf(sid), rawOf(sid)
	session := &Session{ID: sid, AppID: unique.Make(r.text(7)).Value(), OpenID: r.text(8)}
	if userTag(session.AppID, session.OpenID) != tag {
		return storedSession{}, errMismatch
	}
	own, user := s.signedFields(s.keys.sessions(tag)), s.signedFields(s.keys.user(tag))
	owner, ok := own.owner(raw, r.text(11))
	if owner != raw {
		session.Web = &Web{ParentID: tag + textHalf(owner)}
	}
	life, found := readLifetime(own.text(owner+"s", r.text(2)))
	if !ok || !found {
		return storedSession{}, ErrSessionEnded
	}
	use := readLastUse(r.text(3))
	if !s.now().Before(s.idleEnd(session.Web != nil, use.seen, life.ends)) {
		return storedSession{}, ErrSessionEnded
	}
	session.EndsAt = life.ends
	session.UserID = own.text(owner+"i", r.text(4))
	session.UnionID = user.text("n", r.text(9))
	err := errors.Join(readJSON(own.text(owner+"r", r.text(5)), &session.Roles), readPhone(user.text("p", r.text(10)), &session.Phone))
	if err != nil {
		return storedSession{}, fmt.Errorf("%w: load: %w", ErrUnavailable, err)
	}
	end, _ := strconv.ParseInt(own.text(raw+opaqueField, r.text(6)), 10, 64)
	return storedSession{
		session: session, created: life.created, lastSeen: use.seen, tokenEnd: use.tokenEnd, opaqueEnd: end,
		outdated: append(own.outdated, user.outdated...),
	}, nil
}

// owner returns the random half of the session whose lifetime, user id and roles
// count: its own, or that of a web page's parent.
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

// idleEnd is when a session ends that was last used at seen.
func (s *Store) idleEnd(page bool, seen, ends time.Time) time.Time {
	idle := seen.Add(s.config.Load().idleTimeout(page))
	if ends.Before(idle) {
		return ends
	}
	return idle
}

// lifetime is the part of a session that never changes.
type lifetime struct {
	created int64 // Unix milliseconds, which order a user's sessions
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

// lastUse is the part of a session that scripts change. Nothing is granted by it
// but time within the lifetime, so it has no MAC.
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

// readJSON reads what this package wrote; empty text leaves v as it is.
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

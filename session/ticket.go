package session

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"
	"time"

	"wxgate/secret"
)

// Web is set in the session of a web page. ParentID is the mini program's session that
// it was opened from and ends with.
type Web struct {
	ParentID string
}

const (
	ticketTTL = 60 * time.Second
	// repeatTTL is how long the same client gets the same result for a used ticket, for a
	// second tap on the same link.
	repeatTTL = 10 * time.Second
	// maxWebPerParent bounds the web sessions of a session. The least recently used one is
	// ended for a new one.
	maxWebPerParent = 8

	ticketRandom = 16
	ticketLength = 64 // characters: the user's tag, random bytes, MAC
)

// ErrTicket is returned for a ticket that is invalid, used or expired, or whose
// session has ended.
var ErrTicket = errors.New("ticket is not valid, or no longer")

// Ticket opens one web session.
type Ticket struct {
	Value     secret.Text // 64 characters of [A-Za-z0-9_-]
	ExpiresIn time.Duration
}

// IssueTicket returns a ticket for the page next. It is valid as long as the session,
// 60 seconds at most.
func (s *Store) IssueTicket(ctx context.Context, session *Session, next string) (Ticket, error) {
	c := s.config.Load()
	tag, random := tagOf(session.ID), make([]byte, ticketRandom)
	_, _ = rand.Read(random) // never fails: crypto/rand
	key := s.keys.ticket(tag, random)
	record := c.keys.signField(key, "", rawOf(session.ID)+next)
	err := s.redis.do(ctx, "ticket", key, func(ctx context.Context) error {
		return s.redis.Set(ctx, key, "open"+record, ticketTTL).Err()
	})
	text := rawHalf(tag) + string(random)
	return Ticket{secret.Text(strictBase64.EncodeToString([]byte(text + string(c.keys[0].ticketMAC(text))))), ticketTTL}, err
}

func (d *secretKeys) ticketMAC(text string) []byte { return d.webMAC("ticket", text)[:16] }

// webMAC returns an HMAC with the key for web sessions. A web session's id and cookie
// are derived from its ticket by it: a second tap gets the same ones, and nothing
// needs to be stored.
func (d *secretKeys) webMAC(what, text string) []byte {
	h := hmac.New(sha256.New, d.web)
	h.Write(joinWithLengths([]string{what, text}))
	return h.Sum(nil)
}

// OpenTicket is a ticket that ReadTicket found valid. RedeemTicket uses it up.
type OpenTicket struct {
	Session *Session // that issued it
	Next    string   // the page's address

	text   string // tag and random bytes, raw
	key    string
	record string
	keys   *secretKeys // whose MAC it has
}

// ReadTicket reads a ticket without using it up. Errors: ErrTicket, ErrUnavailable.
func (s *Store) ReadTicket(ctx context.Context, ticket string) (*OpenTicket, error) {
	t, err := s.config.Load().keys.readTicket(ticket)
	if err != nil {
		return nil, err
	}
	tag := textHalf(t.text[:rawLength])
	t.key = s.keys.ticket(tag, []byte(t.text[rawLength:]))
	var stored string
	err = s.redis.do(ctx, "ticket", t.key, func(ctx context.Context) (err error) {
		stored, err = s.redis.Get(ctx, t.key).Result()
		return err
	})
	if isMissing(err) {
		return nil, ErrTicket
	}
	if err != nil {
		return nil, err
	}
	return s.openTicket(ctx, t, tag, stored)
}

// readTicket verifies a ticket's MAC, which needs no round trip.
func (r keyring) readTicket(ticket string) (*OpenTicket, error) {
	if len(ticket) != ticketLength || countDots(ticket) != 0 {
		return nil, ErrTicket
	}
	raw, err := strictBase64.DecodeString(ticket)
	if err != nil {
		return nil, ErrTicket
	}
	text, mac := string(raw[:rawLength+ticketRandom]), raw[rawLength+ticketRandom:]
	for _, d := range r {
		if subtle.ConstantTimeCompare(d.ticketMAC(text), mac) == 1 {
			return &OpenTicket{text: text, keys: d}, nil
		}
	}
	return nil, ErrTicket
}

// openTicket reads the stored ticket: "open" and the signed record, or "used", the
// client that used it, and the record. The script decides whether the client may still
// redeem it.
func (s *Store) openTicket(ctx context.Context, t *OpenTicket, tag, stored string) (*OpenTicket, error) {
	record, isOpen := strings.CutPrefix(stored, "open")
	if !isOpen {
		var isUsed bool
		if record, isUsed = strings.CutPrefix(stored, "used"); !isUsed || len(record) < clientHash {
			return nil, ErrTicket
		}
		record = record[clientHash:]
	}
	value, ok := s.signedFields(t.key).read("", record)
	if !ok || len(value) < rawLength {
		return nil, ErrTicket
	}
	t.record, t.Next = record, value[rawLength:]
	r, _, err := s.lookUp(ctx, tag+textHalf(value[:rawLength]), "", sharedTimeout)
	if errors.Is(err, ErrSessionEnded) {
		return nil, ErrTicket
	}
	t.Session = r.session
	return t, err
}

// clientHash is the length of the hash of the client that used a ticket, in bytes.
const clientHash = 16

// RedeemTicket uses up a ticket, and returns the web session and its cookie. client
// identifies the client, for example by address and User-Agent: for ten seconds, the
// same client gets the same result again. If the browser already has a valid web
// session of the same parent, current, that one is kept and the cookie is empty.
// Errors: ErrTicket, ErrUnavailable.
func (s *Store) RedeemTicket(ctx context.Context, t *OpenTicket, client string, current *Session) (cookie secret.Text, page *Session, err error) {
	now := s.now()
	sum := sha256.Sum256([]byte(client))
	args := []any{t.record, string(sum[:clientHash]), rawOf(t.Session.ID), "", "", "", "", "", maxWebPerParent, repeatTTL.Milliseconds()}
	page = current
	if current == nil {
		raw := string(t.keys.webMAC("page", t.text)[:rawLength])
		opened := *t.Session
		page = &opened
		page.ID, page.Web = tagOf(t.Session.ID)+textHalf(raw), &Web{ParentID: t.Session.ID}
		cookie = s.pageArgs(args, t, page, raw, now)
	}
	result, err := s.redis.runList(ctx, redeemTicketScript, []string{t.key, s.keys.sessions(tagOf(t.Session.ID))}, args...)
	if err != nil {
		return "", nil, err
	}
	r := reply(result)
	switch r.text(0) {
	case "done":
		s.publish(ctx, sessionEvent(eventEnded, tagOf(t.Session.ID), r.list(1)))
		return cookie, page, nil
	case "again":
		return cookie, page, nil
	case "gone":
		return "", nil, ErrTicket
	}
	return "", nil, unavailable("redeem_ticket", errUnexpectedReply)
}

// pageArgs sets the script's arguments for a new web session, and returns its cookie.
func (s *Store) pageArgs(args []any, t *OpenTicket, page *Session, raw string, now time.Time) secret.Text {
	c := s.config.Load()
	key := s.keys.sessions(tagOf(page.ID))
	random := t.keys.webMAC("cookie", t.text)
	field, end := opaqueField(random), decimal(page.EndsAt.Unix()+1)
	args[3] = raw
	args[4] = c.keys.signField(key, raw+"w", rawOf(t.Session.ID)+decimal(now.UnixMilli()))
	args[5] = decimal(now.UnixMilli()) + " " + end + " 0"
	args[6] = field
	args[7] = c.keys.signField(key, raw+field, end)
	mac := t.keys.cookieMAC(opaqueText(page.ID, random))
	return secret.Text(page.ID + "." + strictBase64.EncodeToString(append(random, mac...)))
}

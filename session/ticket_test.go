package session

import (
	"errors"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
	"wxgate/secret"
)

// ticketOf issues a ticket for a fresh session.
func ticketOf(t testing.TB, s *Store, session *Session, next string) string {
	t.Helper()
	ticket, err := s.IssueTicket(t.Context(), session, next)
	if err != nil || ticket.ExpiresIn != ticketTTL {
		t.Fatalf("%+v, %v", ticket, err)
	}
	return ticket.Value.Reveal()
}

// enter uses a ticket up.
func enter(t testing.TB, s *Store, ticket, client string) (secret.Text, *Session, error) {
	t.Helper()
	open, err := s.ReadTicket(t.Context(), ticket)
	if err != nil {
		return "", nil, err
	}
	return s.RedeemTicket(t.Context(), open, client, nil)
}

// page logs a user in and opens a page.
func page(t testing.TB, s *Store, openid string) (token string, parent *Session, cookie string, session *Session) {
	t.Helper()
	token, parent = logIn(t, s, openid)
	text, session, err := enter(t, s, ticketOf(t, s, parent, "/h5/"), "client")
	if err != nil {
		t.Fatal(err)
	}
	return token, parent, text.Reveal(), session
}

func cookieAuthenticated(t testing.TB, s *Store, cookie string) *Session {
	t.Helper()
	auth, err := s.AuthenticateCookie(t.Context(), cookie)
	if err != nil {
		t.Fatal(err)
	}
	return &auth.Session
}

func cookieEnded(t testing.TB, s *Store, cookie string) {
	t.Helper()
	eventuallyRefused(t, cookie, s.AuthenticateCookie)
}

func TestTicketOpensOnePageOnAnyInstance(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := openStore(t, server, nil), openStore(t, server, nil)
	token, parent := logIn(t, a, "oA")
	ticket := ticketOf(t, a, parent, "/h5/orders?x=1#/list")
	open, err := b.ReadTicket(t.Context(), ticket)
	if err != nil || open.Next != "/h5/orders?x=1#/list" || open.Session.OpenID != "oA" {
		t.Fatalf("%+v, %v", open, err)
	}
	cookie, opened, err := b.RedeemTicket(t.Context(), open, "client", nil)
	if err != nil || opened.Web == nil || opened.Web.ParentID != parent.ID || opened.ID == parent.ID {
		t.Fatalf("%+v, %v", opened, err)
	}
	for _, s := range []*Store{a, b} {
		if got := cookieAuthenticated(t, s, cookie.Reveal()); !got.equal(opened) || got.Web.ParentID != parent.ID {
			t.Errorf("the cookie proves %+v, not %+v", got, opened)
		}
	}
	if _, err := a.Authenticate(t.Context(), cookie.Reveal()); !errors.Is(err, ErrTokenInvalid) {
		t.Errorf("a cookie as a token: %v", err)
	}
	opaque := openStore(t, server, func(c *Config) { c.TokenFormat = FormatOpaque })
	bearer, _ := logIn(t, opaque, "oA")
	for _, text := range []string{token, bearer, cookie.Reveal()[1:], cookie.Reveal() + "A", ""} {
		if _, err := a.AuthenticateCookie(t.Context(), text); !errors.Is(err, ErrTokenInvalid) {
			t.Errorf("%q as a cookie: %v", text, err)
		}
	}
	if key, err := a.SessionKey(t.Context(), opened); err == nil {
		t.Errorf("a page has a session_key of %d bytes", len(key))
	}
}

// A second tap within ten seconds gets in with the same cookie; nobody else does.
func TestUsedTicketIsForTheSameClientOnly(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := openStore(t, server, nil), openStore(t, server, nil)
	_, parent := logIn(t, a, "oA")
	ticket := ticketOf(t, a, parent, "/h5/")
	first, session, err := enter(t, a, ticket, "address and browser")
	if err != nil {
		t.Fatal(err)
	}
	again, same, err := enter(t, b, ticket, "address and browser")
	if err != nil || again != first || same.ID != session.ID {
		t.Errorf("a second tap: %v", err)
	}
	if _, _, err := enter(t, b, ticket, "another browser"); !errors.Is(err, ErrTicket) {
		t.Errorf("another client: %v", err)
	}
	left := server.MustDo("PTTL", a.keys.ticket(tagOf(parent.ID), ticketBytes(t, ticket)))
	if len(left) > len("10000") {
		t.Errorf("a used ticket is kept for %s ms", left)
	}
	server.MustDo("DEL", a.keys.ticket(tagOf(parent.ID), ticketBytes(t, ticket))) // as eleven seconds would
	if _, _, err := enter(t, a, ticket, "address and browser"); !errors.Is(err, ErrTicket) {
		t.Errorf("a third, after its time: %v", err)
	}
}

// A second tap is one within ten seconds.
func TestSecondTapIsGoodForTenSeconds(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	_, parent := logIn(t, s, "oA")
	ticket := ticketOf(t, s, parent, "/h5/")
	first, _, err := enter(t, s, ticket, "client")
	if err != nil {
		t.Fatal(err)
	}
	s.redis.memory.FastForward(9 * time.Second)
	if again, _, err := enter(t, s, ticket, "client"); err != nil || again != first {
		t.Errorf("after nine seconds: %v", err)
	}
	s.redis.memory.FastForward(2 * time.Second)
	if _, _, err := enter(t, s, ticket, "client"); !errors.Is(err, ErrTicket) {
		t.Errorf("after eleven seconds: %v", err)
	}
}

func ticketBytes(t testing.TB, ticket string) []byte {
	t.Helper()
	raw, err := strictBase64.DecodeString(ticket)
	if err != nil {
		t.Fatal(err)
	}
	return raw[rawLength : rawLength+ticketRandom]
}

func TestMadeUpTicketsAreRefused(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openStore(t, server, nil)
	_, parent := logIn(t, s, "oA")
	ticket := ticketOf(t, s, parent, "/h5/")
	foreign := openStore(t, server, func(c *Config) { c.Secrets = []secret.Text{secondSecret} })
	for name, text := range map[string]string{
		"empty": "", "short": ticket[1:], "long": ticket + "A", "changed": "A" + ticket[1:], "other end": ticket[:63] + flip(ticket[63:]),
		"of other secrets": ticketOf(t, foreign, parent, "/h5/"), "line break": ticket[:63] + "\n", "dots": strings.Repeat(".", 64),
	} {
		if _, err := s.ReadTicket(t.Context(), text); !errors.Is(err, ErrTicket) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Whoever can write to Redis can't lead a ticket to another address.
	key := s.keys.ticket(tagOf(parent.ID), ticketBytes(t, ticket))
	server.MustDo("SET", key, "open"+rawOf(parent.ID)+"/elsewhere"+strings.Repeat("m", fieldMACLength))
	if _, err := s.ReadTicket(t.Context(), ticket); !errors.Is(err, ErrTicket) {
		t.Errorf("a record without a MAC: %v", err)
	}
}

func flip(s string) string {
	if s == "A" {
		return "B"
	}
	return "A"
}

func TestTicketDiesWithItsSession(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), nil)
	_, parent := logIn(t, s, "oA")
	ticket := ticketOf(t, s, parent, "/h5/")
	open, err := s.ReadTicket(t.Context(), ticket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.End(t.Context(), parent.ID, CauseLogout); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.RedeemTicket(t.Context(), open, "client", nil); !errors.Is(err, ErrTicket) {
		t.Errorf("read before the end, used after it: %v", err)
	}
	if _, err := s.ReadTicket(t.Context(), ticket); !errors.Is(err, ErrTicket) {
		t.Errorf("read after the end: %v", err)
	}
}

// Every way in which the mini program's session ends takes its pages with it, on
// every instance, open sockets included.
func TestPageEndsWithItsSession(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	one := func(c *Config) { c.MaxPerUser = 1 }
	a, b := openStore(t, server, one), openStore(t, server, one)
	for name, end := range map[string]func(*Session) error{
		"logout":       func(s *Session) error { _, err := a.End(t.Context(), s.ID, CauseLogout); return err },
		"logout all":   func(s *Session) error { _, err := a.EndAll(t.Context(), s.AppID, s.OpenID, CauseLogoutAll); return err },
		"ban":          func(s *Session) error { _, err := a.Ban(t.Context(), s.AppID, s.OpenID, Ban{}); return err },
		"max_per_user": func(s *Session) error { _, _, _, err := a.Login(t.Context(), loginOf(s.OpenID)); return err },
	} {
		_, parent, cookie, session := page(t, a, "o"+name)
		_, _, other, _ := page(t, a, "bystander of "+name)
		auth, err := b.AuthenticateCookie(t.Context(), cookie)
		if err != nil {
			t.Fatal(err)
		}
		socket := watch(t, b, auth)
		if err := end(parent); err != nil {
			t.Fatal(err)
		}
		cookieEnded(t, a, cookie)
		cookieEnded(t, b, cookie)
		socket.terminatedWithin(t, time.Second)
		cookieAuthenticated(t, b, other)
		if left := server.MustDo("HKEYS", a.keys.sessions(tagOf(session.ID))); strings.Contains(left, rawOf(session.ID)) {
			t.Errorf("%s: fields of the page are left", name)
		}
	}
}

func TestPageEndsAloneAndIsListed(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), nil)
	token, parent, cookie, session := page(t, s, "oA")
	user, err := s.User(t.Context(), appid, "oA")
	if err != nil || len(user.Sessions) != 2 {
		t.Fatalf("%+v, %v", user.Sessions, err)
	}
	parents := map[string]string{}
	for _, info := range user.Sessions {
		parents[info.ID] = info.ParentID
	}
	if parents[session.ID] != parent.ID || parents[parent.ID] != "" {
		t.Errorf("listed as %v", parents)
	}
	if info, err := s.Info(t.Context(), session.ID); err != nil || info.ParentID != parent.ID {
		t.Errorf("%+v, %v", info, err)
	}
	if there, err := s.End(t.Context(), session.ID, CauseLogout); !there || err != nil {
		t.Errorf("%v, %v", there, err)
	}
	cookieEnded(t, s, cookie)
	authenticated(t, s, token)
}

// Neither pages nor other logins push each other out, and a session has eight
// pages at most.
func TestPagesAreCountedApart(t *testing.T) {
	t.Parallel()
	var clock clock
	s := openStore(t, redistest.Start(t), func(c *Config) { c.Now, c.MaxPerUser = clock.now, 2 })
	token, parent, first, _ := page(t, s, "oA")
	logIn(t, s, "oA")
	cookieAuthenticated(t, s, first)
	authenticated(t, s, token)
	var cookies []string
	for range maxWebPerParent {
		clock.advance(time.Second)
		cookie, _, err := enter(t, s, ticketOf(t, s, parent, "/h5/"), "client")
		if err != nil {
			t.Fatal(err)
		}
		cookies = append(cookies, cookie.Reveal())
	}
	cookieEnded(t, s, first) // the one unused for longest
	for i, cookie := range cookies {
		if _, err := s.AuthenticateCookie(t.Context(), cookie); err != nil {
			t.Errorf("page %d: %v", i, err)
		}
	}
	authenticated(t, s, token)
}

func TestLivePageOfTheSameSessionGoesOn(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), nil)
	_, parent, cookie, session := page(t, s, "oA")
	open, err := s.ReadTicket(t.Context(), ticketOf(t, s, parent, "/h5/"))
	if err != nil {
		t.Fatal(err)
	}
	fresh, current, err := s.RedeemTicket(t.Context(), open, "client", session)
	if err != nil || fresh != "" || current.ID != session.ID {
		t.Errorf("cookie %q, %+v, %v", fresh, current, err)
	}
	if _, _, err := s.RedeemTicket(t.Context(), open, "another client", session); !errors.Is(err, ErrTicket) {
		t.Errorf("the ticket is not used up: %v", err)
	}
	cookieAuthenticated(t, s, cookie)
}

// A page that is used keeps the mini program's session alive, and one that isn't
// ends before it.
func TestUseOfAPageIsAUseOfItsSession(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	var clock clock
	s := openStore(t, server, func(c *Config) {
		c.Now, c.IdleTimeout, c.WebIdle, c.CacheTTL = clock.now, 40*time.Second, 20*time.Second, 0
	})
	token, parent, cookie, _ := page(t, s, "oA")
	for range 3 {
		clock.advance(18 * time.Second)
		cookieAuthenticated(t, s, cookie)
		testkit.Within(t, 20*time.Second, "the parent's use is written", func() bool {
			info, err := s.Info(t.Context(), parent.ID)
			return err == nil && clock.now().Sub(info.LastSeen) < 10*time.Second
		})
	}
	authenticated(t, s, token)
	clock.advance(21 * time.Second)
	if _, err := s.AuthenticateCookie(t.Context(), cookie); !errors.Is(err, ErrSessionEnded) {
		t.Errorf("unused for longer than its idle time: %v", err)
	}
	authenticated(t, s, token)
}

func TestPageWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openStore(t, server, func(c *Config) { c.CacheTTL = 0 })
	_, parent, cookie, _ := page(t, s, "oA")
	ticket := ticketOf(t, s, parent, "/h5/")
	cookieAuthenticated(t, s, cookie)
	server.Stop()
	cookieAuthenticated(t, s, cookie)
	if _, err := s.ReadTicket(t.Context(), ticket); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a ticket: %v", err)
	}
	if _, err := s.IssueTicket(t.Context(), parent, "/h5/"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a new ticket: %v", err)
	}
}

func TestPageKnowsItsUsersPhone(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := openStore(t, server, nil), openStore(t, server, nil)
	_, parent, cookie, _ := page(t, a, "oA")
	cookieAuthenticated(t, b, cookie)
	if err := a.SetPhone(t.Context(), parent, Phone{"+8613800138000", "13800138000", "86"}); err != nil {
		t.Fatal(err)
	}
	testkit.Within(t, time.Second, "the page knows it", func() bool { return cookieAuthenticated(t, b, cookie).Phone != "" })
}

// No ticket and no cookie lies in Redis as it is sent.
func TestTicketsAndCookiesAreNotReadableInRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openStore(t, server, nil)
	_, parent, cookie, _ := page(t, s, "oA")
	ticket := ticketOf(t, s, parent, "/h5/")
	var all strings.Builder
	for key := range strings.Lines(server.MustDo("KEYS", "*")) {
		key = strings.TrimSuffix(key, "\n")
		all.WriteString(key)
		for _, command := range []string{"GET", "HGETALL"} {
			text, _ := server.Do(command, key) // of the other type
			all.WriteString(text)
		}
	}
	_, random, _ := strings.Cut(cookie, ".")
	for name, text := range map[string]string{"ticket": ticket, "cookie": random, "half a cookie": random[:43]} {
		if strings.Contains(all.String(), text) {
			t.Errorf("the %s is in Redis", name)
		}
	}
	raw, err := strictBase64.DecodeString(random)
	if err != nil || strings.Contains(all.String(), string(raw[:opaqueRandom])) {
		t.Errorf("the cookie's secret is in Redis, or %v", err)
	}
}

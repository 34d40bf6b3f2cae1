package session

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
)

// eventuallyEnded wants the second that an ending has to be known everywhere.
func eventuallyEnded(t testing.TB, s *Store, token string) {
	t.Helper()
	eventuallyRefused(t, token, s.Authenticate)
}

func eventuallyRefused(t testing.TB, credential string, authenticate func(context.Context, string) (AuthResult, error)) {
	t.Helper()
	testkit.Within(t, time.Second, "the session is refused", func() bool {
		_, err := authenticate(context.Background(), credential)
		return errors.Is(err, ErrSessionEnded)
	})
}

// SE-03, SE-09, JW-24.
func TestEndedOnOneInstanceIsRefusedOnTheOther(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for _, format := range []string{FormatJWT, FormatOpaque} {
		in := func(o *Config) { o.TokenFormat = format }
		a, b := openStore(t, server, in), openStore(t, server, in)
		for name, end := range map[string]func(*Session) error{
			"logout":     func(s *Session) error { _, err := a.End(t.Context(), s.ID, CauseLogout); return err },
			"logout all": func(s *Session) error { _, err := a.EndAll(t.Context(), s.AppID, s.OpenID, CauseLogoutAll); return err },
			"ban":        func(s *Session) error { _, err := a.Ban(t.Context(), s.AppID, s.OpenID, Ban{}); return err },
		} {
			token, session := logIn(t, a, format+name)
			other, _ := logIn(t, a, "bystander")
			authenticated(t, b, token)
			authenticated(t, b, other)
			if err := a.UpdateJar(t.Context(), session, "shop", func([]byte) ([]byte, error) { return []byte("c=1"), nil }); err != nil {
				t.Fatal(err)
			}
			if err := end(session); err != nil {
				t.Fatal(err)
			}
			if _, err := a.Authenticate(t.Context(), token); !errors.Is(err, ErrSessionEnded) {
				t.Errorf("%s: on its own instance: %v", name, err)
			}
			eventuallyEnded(t, b, token)
			authenticated(t, b, other)
			if keys := server.MustDo("KEYS", "*"+session.ID[halfLength:]+"*"); keys != "" {
				t.Errorf("%s: left in Redis: %s", name, keys)
			}
		}
	}
}

func TestEndAllCountsAndSparesOthers(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), nil)
	for range 3 {
		logIn(t, s, "oA")
	}
	other, _ := logIn(t, s, "oB")
	for _, want := range []int{3, 0} {
		if n, err := s.EndAll(t.Context(), appid, "oA", CauseAdmin); n != want || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	authenticated(t, s, other)
}

// SE-14: text that is no session id never becomes a key.
func TestSessionIDsAreNoWayIntoRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openStore(t, server, nil)
	_, session := logIn(t, s, "oA")
	for _, sid := range []string{
		"", "*", "a:b", "a\r\nDEL x", "{x}", "../", strings.Repeat("a", 10_000), session.ID + "x", session.ID[1:], "*" + session.ID[1:],
		session.ID[:sidLength-1] + "B", session.ID[:halfLength-1] + "}" + session.ID[halfLength:], strings.ToUpper(session.ID) + "",
	} {
		if there, err := s.End(t.Context(), sid, CauseAdmin); there || err != nil {
			t.Errorf("end %.50q: %v, %v", sid, there, err)
		}
		if _, err := s.Info(t.Context(), sid); !errors.Is(err, ErrNotFound) {
			t.Errorf("info %.50q: %v", sid, err)
		}
	}
	if info, err := s.Info(t.Context(), session.ID); err != nil || info.OpenID != "oA" || info.CreatedAt.IsZero() || !info.EndsAt.Equal(session.EndsAt) {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestBanRefusesLoginsUntilItsEnd(t *testing.T) {
	t.Parallel()
	var c clock
	s := openStore(t, redistest.Start(t), func(o *Config) { o.Now = c.now })
	token, _ := logIn(t, s, "oA")
	until := time.UnixMilli(c.now().Add(time.Hour).UnixMilli())
	if n, err := s.Ban(t.Context(), appid, "oA", Ban{Reason: "spam", Until: until}); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if _, err := s.Authenticate(t.Context(), token); !errors.Is(err, ErrSessionEnded) {
		t.Error(err)
	}
	_, _, _, err := s.Login(t.Context(), loginOf("oA"))
	for _, err := range []error{err, blockedError(t, s)} {
		var blocked *BlockedError
		if !errors.As(err, &blocked) || blocked.Reason != "spam" || !blocked.Until.Equal(until) {
			t.Errorf("%+v", err)
		}
	}
	if u, err := s.User(t.Context(), appid, "oA"); err != nil || u.Ban == nil || u.Ban.Reason != "spam" || len(u.Sessions) != 0 {
		t.Errorf("%+v, %v", u, err)
	}
	c.advance(time.Hour + time.Second)
	if _, err := s.CheckBan(t.Context(), appid, "oA"); err != nil {
		t.Error(err)
	}
	if u, _ := s.User(t.Context(), appid, "oA"); u.Ban != nil {
		t.Errorf("over, and still %+v", u.Ban)
	}
	logIn(t, s, "oA")
}

func TestUnbanLetsTheUserIn(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), nil)
	if _, err := s.Ban(t.Context(), appid, "oA", Ban{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CheckBan(t.Context(), appid, "oA"); err == nil {
		t.Error("a ban without an end has ended")
	}
	for _, want := range []bool{true, false} {
		if was, err := s.Unban(t.Context(), appid, "oA"); was != want || err != nil {
			t.Errorf("%v, %v", was, err)
		}
	}
	logIn(t, s, "oA")
}

// SE-08: no use and no renewal moves the absolute end.
func TestAbsoluteEndHolds(t *testing.T) {
	t.Parallel()
	var c clock
	s := openStore(t, redistest.Start(t), func(o *Config) { o.Now = c.now; o.MaxLifetime = 5 * time.Hour })
	token, session := logIn(t, s, "oA")
	for c.now().Before(session.EndsAt.Add(-time.Hour)) {
		g := authenticated(t, s, token)
		if s.NeedsRenewal(g) {
			fresh, err := s.Renew(t.Context(), g)
			if err != nil {
				t.Fatal(err)
			}
			token = fresh.Value.Reveal()
		}
		c.advance(10 * time.Minute)
	}
	c.advance(time.Hour)
	if _, err := s.Authenticate(t.Context(), token); err == nil {
		t.Error("the session lives past its absolute end")
	}
}

// A session in use doesn't run out, however short the idle time; one that
// isn't does, and its streams are cut.
func TestIdleSessionsEnd(t *testing.T) {
	t.Parallel()
	const idle = 8 * time.Second
	server := redistest.Start(t)
	var c testkit.Clock
	short := func(o *Config) { o.Now = c.Now; o.IdleTimeout = idle }
	a, b := openStore(t, server, short), openStore(t, server, short)
	token, session := logIn(t, a, "oA")
	st := watch(t, b, authenticated(t, b, token))
	for range 6 {
		c.Advance(idle / 4)
		authenticated(t, a, token)
		awaitSaved(t, b, session.ID, c.Now())
		b.checkNow(t)
		st.open(t)
	}
	c.Advance(idle - time.Second)
	b.checkNow(t)
	st.open(t)
	c.Advance(2 * time.Second)
	st.terminatedWithin(t, time.Second)
	for _, s := range []*Store{a, b} {
		if _, err := s.Authenticate(t.Context(), token); !errors.Is(err, ErrSessionEnded) {
			t.Error(err)
		}
	}
}

// awaitSaved waits until the last use of a session is in Redis.
func awaitSaved(t *testing.T, s *Store, sid string, used time.Time) {
	t.Helper()
	testkit.Eventually(t, "the last use is in Redis", func() bool {
		info, err := s.Info(t.Context(), sid)
		return err == nil && info.LastSeen.Equal(used)
	})
}

// Last uses are written once a minute at most, and don't hold requests up.
func TestUsesAreRarelyWritten(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openStore(t, server, func(o *Config) { o.IdleTimeout = 8 * time.Second }) // every two seconds
	token, session := logIn(t, s, "oA")
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		authenticated(t, s, token)
	}
	info, err := s.Info(t.Context(), session.ID)
	if err != nil || !info.LastSeen.After(info.CreatedAt) {
		t.Errorf("%+v, %v", info, err)
	}
	for _, line := range strings.Fields(server.MustDo("INFO", "commandstats")) {
		once, twice := "cmdstat_pexpire:calls=3,", "cmdstat_pexpire:calls=5," // the login's, and two for each write
		if strings.HasPrefix(line, "cmdstat_pexpire:") && !strings.HasPrefix(line, once) && !strings.HasPrefix(line, twice) {
			t.Errorf("more than one or two writes: %s", line)
		}
	}
}

func TestClosingWritesTheLastUses(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := openStore(t, server, nil), openStore(t, server, nil)
	token, session := logIn(t, a, "oA")
	time.Sleep(10 * time.Millisecond)
	authenticated(t, a, token)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := b.Info(t.Context(), session.ID); err != nil || !info.LastSeen.After(info.CreatedAt) {
		t.Errorf("%+v, %v", info, err)
	}
}

func blockedError(t *testing.T, s *Store) error {
	t.Helper()
	_, err := s.CheckBan(t.Context(), appid, "oA")
	return err
}

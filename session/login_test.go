package session

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/testkit/redistest"
)

func TestUserIsNewExactlyOnce(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	stores := []*Store{openStore(t, server, nil), openStore(t, server, nil)}
	var firsts atomic.Int32
	var logins sync.WaitGroup
	for i := range 40 {
		logins.Go(func() {
			_, _, first, err := stores[i%2].Login(t.Context(), loginOf("oA"))
			if err != nil {
				t.Error(err)
			}
			if first {
				firsts.Add(1)
			}
		})
	}
	logins.Wait()
	if firsts.Load() != 1 {
		t.Errorf("new %d times", firsts.Load())
	}
	u, err := stores[0].User(t.Context(), appid, "oA")
	if err != nil || len(u.Sessions) != 40 || u.FirstLogin.After(u.LastLogin) || u.FirstLogin.IsZero() {
		t.Errorf("%d sessions, from %v to %v, %v", len(u.Sessions), u.FirstLogin, u.LastLogin, err)
	}
}

// A reply may get lost; the client library then runs the script again.
func TestLoginRunTwiceIsOneLogin(t *testing.T) {
	t.Parallel()
	for name, max := range map[string]int{"any number of sessions": 0, "one session a user": 1} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, redistest.Start(t), func(o *Config) { o.MaxPerUser = max })
			c, now := s.config.Load(), s.now()
			call := func() loginCall {
				return loginCall{login: loginOf("oA"), session: newSession(loginOf("oA"), now, c), now: now, tokenEnd: now.Add(time.Hour)}
			}
			first, sameMoment := call(), call()
			for i, run := range []loginCall{first, first, sameMoment, sameMoment} {
				result, err := s.runLogin(t.Context(), c, run)
				if isNew := result.number(1) == 1; err != nil || result.text(0) != "done" || isNew != (i < 2) {
					t.Errorf("run %d: %v, %v", i, result, err)
				}
			}
			want := 2
			if max == 1 {
				want = 1
			}
			u, err := s.User(t.Context(), appid, "oA")
			if err != nil || len(u.Sessions) != want || u.Sessions[want-1].ID != first.session.ID && u.Sessions[want-1].ID != sameMoment.session.ID {
				t.Errorf("%+v, %v", u, err)
			}
		})
	}
}

// A record that somebody has damaged keeps nobody from logging in, and a login mends the user's.
func TestDamagedRecordsDoNotStopALogin(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), func(o *Config) { o.MaxPerUser = 2 })
	for _, damage := range []struct{ kind, field string }{{"u", "a"}, {"u", "o"}, {"u", "f"}, {"u", "l"}, {"u", "n"}, {"s", "s"}, {"s", "l"}, {"s", "k"}, {"s", "w"}} {
		for _, value := range []string{"", "x", "1 2", "-1", strings.Repeat("9", 40)} {
			_, session := logIn(t, s, "oA")
			set(damage.kind, damage.field, value)(s, session, nil)
			token, _ := logIn(t, s, "oA")
			if g := authenticated(t, s, token); g.Session.OpenID != "oA" || g.Session.AppID != appid {
				t.Errorf("%v: %+v", damage, g.Session)
			}
		}
	}
}

// SE-21: the oldest gives way, on every instance.
func TestOldestSessionIsReplaced(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	limited := func(o *Config) { o.MaxPerUser = 3 }
	a, b := openStore(t, server, limited), openStore(t, server, limited)
	var tokens []string
	for range 5 {
		token, _ := logIn(t, a, "oA")
		authenticated(t, b, token)
		tokens = append(tokens, token)
		time.Sleep(2 * time.Millisecond) // apart by the millisecond that Redis keeps
	}
	for i, token := range tokens {
		if i >= 2 {
			authenticated(t, b, token)
			continue
		}
		eventuallyEnded(t, b, token)
	}
	if n := counted(a.metrics.ended.WithLabelValues("replaced")); n != 2 {
		t.Errorf("%v counted as replaced", n)
	}
	if u, _ := a.User(t.Context(), appid, "oA"); len(u.Sessions) != 3 {
		t.Errorf("%d sessions left", len(u.Sessions))
	}
}

func TestRacingLoginsKeepTheMaximum(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), func(o *Config) { o.MaxPerUser = 2 })
	var logins sync.WaitGroup
	for range 20 {
		logins.Go(func() { logIn(t, s, "oA") })
	}
	logins.Wait()
	if u, err := s.User(t.Context(), appid, "oA"); err != nil || len(u.Sessions) != 2 {
		t.Errorf("%d sessions, %v", len(u.Sessions), err)
	}
}

// SE-15: no pair of names is another's.
func TestUsersOfTwoAppsNeverCollide(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, func(o *Config) { o.Apps = []string{"wx1", "wx1:2", "wx12", "wx1 "} })
	seen := map[string]bool{}
	for _, names := range [][2]string{{"wx1", "2:x"}, {"wx1:2", "x"}, {"wx12", ":x"}, {"wx1", "2x"}, {"wx12", "x"}, {"wx1 ", "2x"}} {
		login := loginOf(names[1])
		login.AppID = names[0]
		_, session, first, err := s.Login(t.Context(), login)
		if err != nil || !first || seen[session.ID[:halfLength]] {
			t.Errorf("%q: %v, %v", names, first, err)
			continue
		}
		seen[session.ID[:halfLength]] = true
	}
}

func TestOpenIDMayBeAnyTextWithoutControls(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), nil)
	for _, openid := range []string{"小明 <&> 😀", `a"b\c`, "{x}:*?[", strings.Repeat("界", 42), strings.Repeat("o", 128)} {
		token, _ := logIn(t, s, openid)
		if g := authenticated(t, s, token); g.Session.OpenID != openid {
			t.Errorf("%q became %q", openid, g.Session.OpenID)
		}
		if u, err := s.User(t.Context(), appid, openid); err != nil || u.OpenID != openid {
			t.Errorf("%q: %+v, %v", openid, u, err)
		}
	}
	for _, openid := range []string{"", "a\r\nb", "a\x00b", "a\x7fb", "a\u0085b", "\xff", strings.Repeat("o", 129)} {
		if _, _, _, err := s.Login(t.Context(), loginOf(openid)); err == nil {
			t.Errorf("%q is accepted", openid)
		}
	}
}

func TestLoginKeepsWhatItIsNotTold(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), nil)
	full := loginOf("oA")
	full.UnionID, full.UserID, full.Roles, full.Phone = "uA", "7", []string{"admin", "编辑,x"}, &Phone{"+1 555", "555", "1"}
	token, session, _, err := s.Login(t.Context(), full)
	if err != nil {
		t.Fatal(err)
	}
	if g := authenticated(t, s, token.Value.Reveal()); !g.Session.equal(session) || !slices.Equal(session.Roles, full.Roles) || session.UserID != "7" {
		t.Errorf("%+v is not %+v", g.Session, session)
	}
	_, second, first, err := s.Login(t.Context(), loginOf("oA"))
	if err != nil || first || second.UnionID != "uA" || second.Phone != "+1 555" || second.UserID != "" || second.Roles != nil {
		t.Errorf("%+v, %v, %v: what the hook said stays with its own session", second, first, err)
	}
	u, err := s.User(t.Context(), appid, "oA")
	if err != nil || u.UserID != "7" || u.Phone != *full.Phone || !slices.Equal(u.Roles, full.Roles) {
		t.Errorf("%+v, %v", u, err)
	}
	none := loginOf("oA")
	none.UserID, none.Roles = "7", []string{}
	if _, _, _, err := s.Login(t.Context(), none); err != nil {
		t.Fatal(err)
	}
	if u, _ := s.User(t.Context(), appid, "oA"); len(u.Roles) != 0 {
		t.Errorf("roles that the hook took away are still there: %q", u.Roles)
	}
}

func TestBanBeforeTheFirstLoginIsNoLogin(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	if _, err := s.Ban(t.Context(), appid, "oA", Ban{}); err != nil {
		t.Fatal(err)
	}
	if u, err := s.User(t.Context(), appid, "oA"); !u.FirstLogin.IsZero() || err != nil {
		t.Errorf("banned beforehand: %v, %v", u.FirstLogin, err)
	}
	if _, err := s.Unban(t.Context(), appid, "oA"); err != nil {
		t.Fatal(err)
	}
	if _, _, first, err := s.Login(t.Context(), loginOf("oA")); !first || err != nil {
		t.Errorf("%v, %v", first, err)
	}
	if u, err := s.User(t.Context(), appid, "oA"); u.FirstLogin.IsZero() || err != nil {
		t.Errorf("%v, %v", u.FirstLogin, err)
	}
	if _, err := s.User(t.Context(), appid, "nobody"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

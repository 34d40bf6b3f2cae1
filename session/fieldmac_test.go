package session

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
	"wxgate/secret"
)

// victim is a user with all that can be granted.
func victim(t *testing.T, s *Store, openid string) (string, *Session) {
	t.Helper()
	l := loginOf(openid)
	l.UnionID, l.UserID, l.Roles, l.Phone = "union-"+openid, "id-"+openid, []string{"member"}, &Phone{"13800000000", "13800000000", "86"}
	token, session, _, err := s.Login(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return token.Value.Reveal(), session
}

// Who can write to Redis can delete, and bring back what was there. He can't
// invent, move or extend.
func TestWhatIsWrittenToRedisByOthersGrantsNothing(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for _, attack := range []struct {
		name   string
		write  func(s *Store, mine, other *Session)
		refuse func(t *testing.T, s *Store, token string) // the session still lives
	}{
		{"roles in the open", set("s", "r", `["admin"]`), noRoles},
		{"roles with a made-up MAC", set("s", "r", `["admin"]0123456789abcdef`), noRoles},
		{"roles with no room for a MAC", set("s", "r", `[]`), noRoles},
		{"another user's roles", move("s", "r"), noRoles},
		{"the user's own user id as roles", func(s *Store, mine, _ *Session) {
			key, raw := s.keys.sessions(tagOf(mine.ID)), rawOf(mine.ID)
			s.redis.HSet(t.Context(), key, raw+"r", s.redis.HGet(t.Context(), key, raw+"i").Val())
		}, noRoles},
		{"user id", set("s", "i", "1"), func(t *testing.T, s *Store, token string) {
			if u := authenticated(t, s, token).Session.UserID; u != "" {
				t.Errorf("user id %q", u)
			}
		}},
		{"another user's user id", move("s", "i"), func(t *testing.T, s *Store, token string) {
			if u := authenticated(t, s, token).Session.UserID; u != "" {
				t.Errorf("user id %q", u)
			}
		}},
		{"phone", set("u", "p", "13900000000\n13900000000\n86"), noPhone},
		{"another user's phone", move("u", "p"), noPhone},
		{"unionid", set("u", "n", "union-of-somebody-else"), noUnionID},
		{"another user's unionid", move("u", "n"), noUnionID},
		{"a later end", set("s", "s", fmt.Sprint(time.Now().UnixMilli(), " ", time.Now().Add(9000*time.Hour).UnixMilli())), refusedAsEnded},
		{"another session's times", move("s", "s"), refusedAsEnded},
		{"another openid", set("u", "o", "oOTHER"), sameUser},
		{"another appid", set("u", "a", "wxother"), sameUser},
	} {
		t.Run(attack.name, func(t *testing.T) {
			s := openStore(t, server, func(o *Config) { o.CacheTTL = 0 })
			token, mine := victim(t, s, "oMINE")
			_, other := victim(t, s, "oOTHER")
			if a := authenticated(t, s, token); len(a.Session.Roles) != 1 || a.Session.UserID != "id-oMINE" || a.Session.Phone != "13800000000" || a.Session.UnionID != "union-oMINE" {
				t.Fatalf("before: %+v", a.Session)
			}
			attack.write(s, mine, other)
			attack.refuse(t, s, token)
			if counted(s.metrics.refusedRecords) == 0 && attack.name != "another openid" && attack.name != "another appid" {
				t.Error("not counted")
			}
		})
	}
}

func keyOf(s *Store, kind string, session *Session) (key, prefix string) {
	if kind == "u" {
		return s.keys.user(tagOf(session.ID)), ""
	}
	return s.keys.sessions(tagOf(session.ID)), rawOf(session.ID)
}

func set(kind, field, value string) func(s *Store, mine, other *Session) {
	return func(s *Store, mine, _ *Session) {
		key, prefix := keyOf(s, kind, mine)
		s.redis.HSet(s.ctx, key, prefix+field, value)
	}
}

func move(kind, field string) func(s *Store, mine, other *Session) {
	return func(s *Store, mine, other *Session) {
		from, theirs := keyOf(s, kind, other)
		to, prefix := keyOf(s, kind, mine)
		s.redis.HSet(s.ctx, to, prefix+field, s.redis.HGet(s.ctx, from, theirs+field).Val())
	}
}

// sameUser is either what the instance knew before or nobody.
func sameUser(t *testing.T, s *Store, token string) {
	t.Helper()
	if a := authenticated(t, s, token); a.Session.OpenID != "oMINE" || a.Session.AppID != appid {
		t.Errorf("became %+v", a.Session)
	}
	if a, err := s.load(t.Context(), authenticated(t, s, token).Session.ID, ""); !errors.Is(err, ErrUnavailable) {
		t.Errorf("%+v, %v", a, err)
	}
}

func noRoles(t *testing.T, s *Store, token string) {
	t.Helper()
	if roles := authenticated(t, s, token).Session.Roles; len(roles) != 0 {
		t.Errorf("roles %q", roles)
	}
}

func noPhone(t *testing.T, s *Store, token string) {
	t.Helper()
	if phone := authenticated(t, s, token).Session.Phone; phone != "" {
		t.Errorf("phone %q", phone)
	}
	if u, err := s.User(t.Context(), appid, "oMINE"); u.Phone != (Phone{}) || err != nil {
		t.Errorf("the user's phone %+v, %v", u.Phone, err)
	}
}

func noUnionID(t *testing.T, s *Store, token string) {
	t.Helper()
	if id := authenticated(t, s, token).Session.UnionID; id != "" {
		t.Errorf("unionid %q", id)
	}
}

func refusedAsEnded(t *testing.T, s *Store, token string) {
	t.Helper()
	if a, err := s.Authenticate(t.Context(), token); !errors.Is(err, ErrSessionEnded) {
		t.Errorf("%+v, %v", a.Session, err)
	}
}

func TestOpaqueTokensLifeCannotBeExtendedInRedis(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, func(o *Config) { o.TokenFormat, o.CacheTTL = FormatOpaque, 0 })
	token, session := logIn(t, s, "oA")
	p, err := s.config.Load().tokens.read(token)
	if err != nil {
		t.Fatal(err)
	}
	key, field := s.keys.sessions(tagOf(session.ID)), rawOf(session.ID)+p.field
	s.redis.HSet(t.Context(), key, field, time.Now().Add(1000*time.Hour).Unix())
	if _, err := s.Authenticate(t.Context(), token); !errors.Is(err, ErrTokenInvalid) {
		t.Error(err)
	}
}

// A ban is not lifted by what nobody could have signed.
func TestBanCannotBeShortenedInRedis(t *testing.T) {
	t.Parallel()
	var c clock
	s := openStore(t, redistest.Start(t), func(o *Config) { o.Now = c.now })
	if _, err := s.Ban(t.Context(), appid, "oA", Ban{Reason: "spam", Until: c.now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	key := s.keys.user(userTag(appid, "oA"))
	original := s.redis.HGet(t.Context(), key, "b").Val()
	for name, written := range map[string]string{"over": "1 ", "over, with the old MAC": "1 spam" + original[len(original)-fieldMACLength:], "empty": "x"} {
		s.redis.HSet(t.Context(), key, "b", written)
		var blocked *BlockedError
		if _, _, _, err := s.Login(t.Context(), loginOf("oA")); !errors.As(err, &blocked) || blocked.Reason != "" {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.CheckBan(t.Context(), appid, "oA"); !errors.As(err, &blocked) {
			t.Errorf("%s: %v", name, err)
		}
		if u, err := s.User(t.Context(), appid, "oA"); u.Ban == nil || err != nil {
			t.Errorf("%s: %+v, %v", name, u.Ban, err)
		}
	}
	s.redis.HSet(t.Context(), key, "b", original)
	c.advance(time.Hour)
	logIn(t, s, "oA") // over by its own end
	if there := s.redis.HExists(t.Context(), key, "b").Val(); there {
		t.Error("a ban that is over stays in Redis")
	}
}

// Every secret verifies. A field that was not signed with the first secret is signed
// again when it is read, so that the old secret can be removed.
func TestRecordsOutliveARotationOfSecrets(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	old := openStore(t, server, nil)
	token, session := victim(t, old, "oMINE")
	both := openStore(t, server, func(o *Config) { o.Secrets = []secret.Text{secondSecret, firstSecret} })
	if a := authenticated(t, both, token); len(a.Session.Roles) != 1 || a.Session.Phone == "" {
		t.Fatalf("%+v", a.Session)
	}
	if _, err := both.Renew(t.Context(), authenticated(t, both, token)); err != nil {
		t.Fatal(err)
	}
	next := openStore(t, server, func(o *Config) { o.Secrets = []secret.Text{secondSecret}; o.CacheTTL = 0 })
	testkit.Within(t, 5*time.Second, "all is signed anew", func() bool {
		r, err := next.load(t.Context(), session.ID, "")
		return err == nil && len(r.session.Roles) == 1 && r.session.Phone != "" && r.session.UserID != "" && r.session.UnionID != ""
	})
}

func TestRecordsOfASecretThatIsGoneAreNotBelieved(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	old := openStore(t, server, nil)
	_, session := victim(t, old, "oMINE")
	if _, err := old.Ban(t.Context(), appid, "oBANNED", Ban{Until: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	leaked := openStore(t, server, func(o *Config) { o.Secrets = []secret.Text{secondSecret} })
	if _, err := leaked.load(t.Context(), session.ID, ""); !errors.Is(err, ErrSessionEnded) {
		t.Error(err)
	}
	if u, err := leaked.User(t.Context(), appid, "oMINE"); u.Phone != (Phone{}) || len(u.Sessions) != 0 || len(u.Roles) != 0 || err != nil {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := leaked.CheckBan(t.Context(), appid, "oBANNED"); err == nil {
		t.Error("the ban is gone with the secret")
	}
	if ended, err := leaked.Unban(t.Context(), appid, "oBANNED"); !ended || err != nil {
		t.Error(err)
	}
	logIn(t, leaked, "oBANNED")
}

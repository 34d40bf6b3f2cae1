package session

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"wxgate/internal/testkit"
	"wxgate/secret"
)

// clock is a time that tests move.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// sign makes a token under the store's own key, with whatever is in it.
func sign(t testing.TB, s *Store, header, body map[string]any) string {
	t.Helper()
	text := encode(t, header) + "." + encode(t, body)
	signature, err := jwt.SigningMethodHS256.Sign(text, s.config.Load().keys[0].signing)
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func encode(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func headerOf(s *Store) map[string]any {
	return map[string]any{"alg": "HS256", "kid": s.config.Load().keys[0].kid, "typ": "at+jwt"}
}

func bodyOf(session *Session) map[string]any {
	now := time.Now()
	return map[string]any{
		"sid": session.ID, "iss": "wxgate", "sub": session.OpenID, "aud": session.AppID,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
}

func with(m map[string]any, name string, value any) map[string]any {
	m = maps.Clone(m)
	if value == nil {
		delete(m, name)
	} else {
		m[name] = value
	}
	return m
}

func TestATokenOfOurOwnMakingIsAccepted(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	_, session := logIn(t, s, "oA")
	authenticated(t, s, sign(t, s, headerOf(s), bodyOf(session)))
}

// TestForgedJWTIsInvalid has the rows JW-01, 04, 07, 09, 10, 12, 13, 15, 19.
func TestForgedJWTIsInvalid(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	_, session := logIn(t, s, "oA")
	header, body := headerOf(s), bodyOf(session)
	now := time.Now()
	cases := map[string]string{
		"empty": "", "two parts": "a.b", "dots": "..", "four parts": sign(t, s, header, body) + ".x", "five parts": "a.b.c.d.e",
		"nonsense":  "a.b.c",
		"JSON form": `{"protected":"","payload":"","signature":""}`,
	}
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA", ""} {
		text := sign(t, s, with(header, "alg", alg), body)
		cases["alg "+alg] = text
		cases["alg "+alg+" unsigned"] = text[:strings.LastIndexByte(text, '.')+1]
	}
	for name, kid := range map[string]any{
		"path": "../../dev/null", "sql": "' OR 1=1--", "long": strings.Repeat("k", 2000), "number": 1, "list": []string{"a"}, "unknown": "nobody", "missing": nil,
	} {
		cases["kid "+name] = sign(t, s, with(header, "kid", kid), body)
	}
	cases["crit"] = sign(t, s, with(with(header, "crit", []string{"x"}), "x", 1), body)
	cases["b64"] = sign(t, s, with(header, "b64", false), body)
	cases["typ of an assertion"] = sign(t, s, with(header, "typ", assertionTyp), body)
	cases["typ missing"] = sign(t, s, with(header, "typ", nil), body)
	for name, change := range map[string]struct {
		claim string
		value any
	}{
		"exp missing": {"exp", nil}, "exp text": {"exp", "tomorrow"}, "iat missing": {"iat", nil}, "iat in an hour": {"iat", now.Add(time.Hour).Unix()},
		"nbf in an hour": {"nbf", now.Add(time.Hour).Unix()}, "iss missing": {"iss", nil}, "iss other": {"iss", "another"},
		"sub missing": {"sub", nil}, "sub other": {"sub", "oB"}, "sub number": {"sub", 5},
		"aud missing": {"aud", nil}, "aud empty": {"aud", ""}, "aud other": {"aud", "wxother"}, "aud list": {"aud", []any{appid}},
		"aud two": {"aud", []any{"other", appid}}, "aud mixed": {"aud", []any{appid, 5}}, "aud object": {"aud", map[string]any{"a": appid}},
		"sid missing": {"sid", nil}, "sid short": {"sid", session.ID[1:]}, "sid wild": {"sid", strings.Repeat("*", sidLength)},
		"sid with loose bits": {"sid", session.ID[:sidLength-1] + "B"},
	} {
		cases[name] = sign(t, s, header, with(body, change.claim, change.value))
	}
	for name, token := range cases {
		if _, err := s.Authenticate(context.Background(), token); !errors.Is(err, ErrTokenInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// JW-06, JW-34: a token has one text, before and after it was seen.
func TestChangedTextOfATokenIsInvalid(t *testing.T) {
	t.Parallel()
	for _, format := range []string{FormatJWT, FormatOpaque} {
		s := openStore(t, nil, func(o *Config) { o.TokenFormat = format })
		token, _ := logIn(t, s, "oA")
		authenticated(t, s, token)
		last := token[len(token)-1]
		for name, text := range map[string]string{
			"next last character": token[:len(token)-1] + string(last+1), "no last character": token[:len(token)-1],
			"line break in it": token[:50] + "\n" + token[50:], "line break after": token + "\r\n", "padding": token + "=",
			"space": " " + token, "standard alphabet": strings.NewReplacer("-", "+", "_", "/").Replace(token) + "/", "dot after": token + ".",
			"upper case": strings.ToUpper(token), "cut": token[:len(token)/2],
		} {
			if _, err := s.Authenticate(context.Background(), text); !errors.Is(err, ErrTokenInvalid) {
				t.Errorf("%s, %s: %v", format, name, err)
			}
		}
	}
}

// JW-18: no parser sees such a token.
func TestHugeTokensAreRefusedAtOnce(t *testing.T) {
	s := openStore(t, nil, nil)
	_, session := logIn(t, s, "oA")
	deep := sign(t, s, headerOf(s), with(bodyOf(session), "x", strings.Repeat("[", 3000)))
	for name, token := range map[string]string{
		"dots": strings.Repeat(".", 1_000_000), "letters": strings.Repeat("a", 1_000_000), "signed": deep,
	} {
		if allocs := testing.AllocsPerRun(1, func() {
			if _, err := s.Authenticate(context.Background(), token); !errors.Is(err, ErrTokenInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}); allocs > 1 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

// JW-16: the last of two claims counts everywhere, and must be the session's.
func TestDoubledClaimsAreNoWayToAnotherUser(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	_, a := logIn(t, s, "oA")
	logIn(t, s, "oADMIN")
	body, _ := json.Marshal(bodyOf(a))
	doubled := strings.Replace(string(body), `"sub":"oA"`, `"sub":"oA","sub":"oADMIN"`, 1)
	text := encode(t, headerOf(s)) + "." + base64.RawURLEncoding.EncodeToString([]byte(doubled))
	signature, _ := jwt.SigningMethodHS256.Sign(text, s.config.Load().keys[0].signing)
	if _, err := s.Authenticate(context.Background(), text+"."+base64.RawURLEncoding.EncodeToString(signature)); !errors.Is(err, ErrTokenInvalid) {
		t.Error(err)
	}
}

// JW-22: even our own signature doesn't move a user into another's session.
func TestTokenMustNameItsSessionsUser(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	_, a := logIn(t, s, "oA")
	_, b := logIn(t, s, "oB")
	for range 2 { // before and after the session is cached
		if _, err := s.Authenticate(context.Background(), sign(t, s, headerOf(s), with(bodyOf(a), "sid", b.ID))); !errors.Is(err, ErrTokenInvalid) {
			t.Error(err)
		}
		authenticated(t, s, sign(t, s, headerOf(s), bodyOf(b)))
	}
}

// JW-21: what is expired and not ours is not ours.
func TestExpiredIsToldApartFromInvalid(t *testing.T) {
	t.Parallel()
	for _, format := range []string{FormatJWT, FormatOpaque} {
		var c clock
		s := openStore(t, nil, func(o *Config) { o.Now = c.now; o.TokenFormat = format })
		token, session := logIn(t, s, "oA")
		unseen, _ := logIn(t, s, "oB")
		authenticated(t, s, token)
		c.advance(2*time.Hour - time.Minute)
		authenticated(t, s, token)
		c.advance(time.Minute + time.Second)
		for _, text := range []string{token, unseen} {
			if _, err := s.Authenticate(context.Background(), text); !errors.Is(err, ErrTokenExpired) {
				t.Errorf("%s: %v", format, err)
			}
		}
		other := sign(t, s, headerOf(s), with(bodyOf(session), "iss", "another"))
		if _, err := s.Authenticate(context.Background(), other[:len(other)-4]+"AAAA"); !errors.Is(err, ErrTokenInvalid) {
			t.Errorf("%s, not ours: %v", format, err)
		}
	}
}

func TestTokenNeverOutlivesItsSession(t *testing.T) {
	t.Parallel()
	var c clock
	s := openStore(t, nil, func(o *Config) { o.Now = c.now; o.MaxLifetime = 3 * time.Hour; o.StaleIfError = 0 })
	token, session := logIn(t, s, "oA")
	c.advance(91 * time.Minute)
	g := authenticated(t, s, token)
	if !s.NeedsRenewal(g) {
		t.Error("half an hour before its end a token is due")
	}
	fresh, err := s.Renew(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	g = authenticated(t, s, fresh.Value.Reveal())
	if fresh.ExpiresIn > 90*time.Minute {
		t.Errorf("a token for %v; the session until %v", fresh.ExpiresIn, session.EndsAt)
	}
	if s.NeedsRenewal(g) {
		t.Error("renewal would gain nothing")
	}
	c.advance(90 * time.Minute)
	if _, err := s.Authenticate(t.Context(), fresh.Value.Reveal()); !errors.Is(err, ErrSessionEnded) {
		t.Errorf("after the session's absolute end: %v", err)
	}
}

// Another instance's clock may be ahead: its tokens are valid at once, and not
// for longer.
func TestSmallClockDifferencesDoNoHarm(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	_, session := logIn(t, s, "oA")
	now := time.Now()
	authenticated(t, s, sign(t, s, headerOf(s), with(bodyOf(session), "iat", now.Add(5*time.Second).Unix())))
	late := sign(t, s, headerOf(s), with(bodyOf(session), "exp", now.Add(-2*time.Second).Unix()))
	if _, err := s.Authenticate(context.Background(), late); !errors.Is(err, ErrTokenExpired) {
		t.Error(err)
	}
}

// A switch of the format must not log everybody out.
func TestBothFormatsAreAcceptedWhateverIsIssued(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	old, _ := logIn(t, s, "oA")
	settings := testConfig()
	settings.TokenFormat = FormatOpaque
	if err := s.Configure(settings); err != nil {
		t.Fatal(err)
	}
	fresh, _ := logIn(t, s, "oB")
	if strings.Count(fresh, ".") == 2 {
		t.Error("the new format is not in use")
	}
	authenticated(t, s, old)
	authenticated(t, s, fresh)
}

// Nothing that isn't a token of ours costs a question to Redis.
func TestMadeUpTokensNeverReachRedis(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, func(o *Config) { o.TokenFormat = FormatOpaque })
	token, _ := logIn(t, s, "oA")
	forged, _ := newTokens(testkit.Value(newKeyring([]secret.Text{secondSecret})), "wxgate", time.Now).opaque(token[:sidLength])
	misses := counted(s.metrics.misses)
	if _, err := s.Authenticate(context.Background(), forged.Reveal()); !errors.Is(err, ErrTokenInvalid) {
		t.Error(err)
	}
	if counted(s.metrics.misses) != misses {
		t.Error("Redis was asked")
	}
}

// FuzzAuthenticate: no text but the two that were issued is accepted, and none panics.
func FuzzAuthenticate(f *testing.F) {
	s := openStore(f, nil, nil)
	token, session := logIn(f, s, "oA")
	opaque, field := s.config.Load().tokens.opaque(session.ID)
	key, field := s.keys.sessions(tagOf(session.ID)), rawOf(session.ID)+field
	record := s.config.Load().keys.signField(key, field, decimal(time.Now().Add(time.Hour).Unix()))
	if err := s.redis.HSet(context.Background(), key, field, record).Err(); err != nil {
		f.Fatal(err)
	}
	good := map[string]bool{token: true, opaque.Reveal(): true}
	for text := range good {
		authenticated(f, s, text)
		f.Add(text)
	}
	f.Add("")
	f.Add("a.b.c")
	f.Add(strings.Repeat("A", sidLength) + "." + strings.Repeat("A", 64))
	f.Add(sign(f, s, with(headerOf(s), "alg", "none"), bodyOf(session)))
	f.Fuzz(func(t *testing.T, text string) {
		g, err := s.Authenticate(context.Background(), text)
		if err == nil && !good[text] {
			t.Errorf("accepted: %q", text)
		}
		// A fuzzing process has its own store; the first one's tokens are among its seeds.
		if err != nil && (g.Session.ID != "" || !errors.Is(err, ErrTokenInvalid) && !errors.Is(err, ErrSessionEnded)) {
			t.Errorf("%q: %v, %v", text, g.Session, err)
		}
	})
}

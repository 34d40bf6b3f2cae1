package session

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"

	"wxgate/internal/testkit"
	"wxgate/secret"
)

// publishedKey is what a backend makes of a key in the JWKS.
func publishedKey(t *testing.T, jwks []byte, kid string) *ecdsa.PublicKey {
	t.Helper()
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(jwks, &set); err != nil {
		t.Fatal(err)
	}
	for _, k := range set.Keys {
		if k["kid"] != kid {
			continue
		}
		x, _ := base64.RawURLEncoding.DecodeString(k["x"])
		y, _ := base64.RawURLEncoding.DecodeString(k["y"])
		return testkit.Value(ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y)))
	}
	t.Fatalf("no key %q in %s", kid, jwks)
	return nil
}

// verified is what a backend does with an assertion.
func verified(t *testing.T, s *Store, text string) (header, claims map[string]any) {
	t.Helper()
	token, err := jwt.Parse(text, func(token *jwt.Token) (any, error) {
		return publishedKey(t, s.JWKS(), token.Header["kid"].(string)), nil
	}, jwt.WithValidMethods([]string{"ES256"}), jwt.WithExpirationRequired(), jwt.WithIssuer("wxgate"), jwt.WithTimeFunc(s.now))
	if err != nil {
		t.Fatal(err)
	}
	return token.Header, token.Claims.(jwt.MapClaims)
}

func TestAssertionStatesTheFactsOfTheSession(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	session := &Session{ID: "sid", AppID: appid, OpenID: "oA", UnionID: "uA", UserID: "7", Phone: "138", Roles: []string{"admin", "编辑"}}
	text, err := s.Assert(session, "orders")
	if err != nil {
		t.Fatal(err)
	}
	header, claims := verified(t, s, text)
	if header["typ"] != "gw-assertion+jwt" || header["alg"] != "ES256" {
		t.Errorf("%v", header)
	}
	left := claims["exp"].(float64) - claims["iat"].(float64)
	delete(claims, "exp")
	delete(claims, "iat")
	want := map[string]any{
		"iss": "wxgate", "sub": "oA", "aud": "orders", "appid": appid, "unionid": "uA", "user_id": "7", "phone": "138", "roles": []any{"admin", "编辑"},
	}
	if left != 60 || !reflect.DeepEqual(map[string]any(claims), want) {
		t.Errorf("%v for %v s", claims, left)
	}
	bare, _ := s.Assert(&Session{ID: "bare", AppID: appid, OpenID: "oB"}, "orders")
	if _, claims := verified(t, s, bare); len(claims) != 6 {
		t.Errorf("what is not known is stated: %v", claims)
	}
}

func TestAssertionIsReusedForHalfItsLife(t *testing.T) {
	t.Parallel()
	var c clock
	s := openStore(t, nil, func(o *Config) { o.Now = c.now })
	session := &Session{ID: "sid", AppID: appid, OpenID: "oA"}
	first, _ := s.Assert(session, "orders")
	same := *session
	if again, _ := s.Assert(&same, "orders"); again != first {
		t.Error("signed twice for the same facts")
	}
	if other, _ := s.Assert(session, "stock"); other == first {
		t.Error("one audience's for another")
	}
	changed := *session
	changed.Phone = "138"
	if other, _ := s.Assert(&changed, "orders"); other == first {
		t.Error("facts that have changed")
	}
	c.advance(30 * time.Second)
	if later, _ := s.Assert(session, "orders"); later == first {
		t.Error("past half its life")
	}
}

func TestHookAssertionNeedsNoSession(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	login := loginOf("oA")
	login.UnionID, login.Phone = "uA", &Phone{Number: "138"}
	text, err := s.AssertHook(login, "login hook")
	if err != nil {
		t.Fatal(err)
	}
	if _, claims := verified(t, s, text); claims["sub"] != "oA" || claims["aud"] != "login hook" || claims["unionid"] != "uA" || claims["phone"] != "138" {
		t.Errorf("%v", claims)
	}
	if strings.Contains(text, login.SessionKey.Reveal()) {
		t.Error("session_key is in it")
	}
}

// JW-27.
func TestJWKSHasPublicMembersOfAllSecrets(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	old, _ := s.Assert(&Session{ID: "sid", AppID: appid, OpenID: "oA"}, "orders")
	settings := testConfig()
	settings.Secrets = []secret.Text{secondSecret, firstSecret}
	if err := s.Configure(settings); err != nil {
		t.Fatal(err)
	}
	fresh, _ := s.Assert(&Session{ID: "sid", AppID: appid, OpenID: "oA"}, "orders")
	if fresh == old {
		t.Error("the old key still signs")
	}
	verified(t, s, old)
	verified(t, s, fresh)
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(s.JWKS(), &set); err != nil || len(set.Keys) != 2 {
		t.Fatalf("%s, %v", s.JWKS(), err)
	}
	for _, k := range set.Keys {
		if len(k) != 7 || k["kty"] != "EC" || k["crv"] != "P-256" || k["use"] != "sig" || k["alg"] != "ES256" || len(k["x"]) != 43 || len(k["y"]) != 43 || k["kid"] == "" {
			t.Errorf("%v", k)
		}
	}
}

// JW-15: what a backend receives opens nothing here.
func TestAssertionIsNoAccessToken(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	_, session := logIn(t, s, "oA")
	text, _ := s.Assert(session, appid)
	if _, err := s.Authenticate(t.Context(), text); !errors.Is(err, ErrTokenInvalid) {
		t.Error(err)
	}
}

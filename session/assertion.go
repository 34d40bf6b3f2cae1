package session

import (
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/maypok86/otter/v2"
)

// assertionTyp distinguishes assertions from access tokens, which have other keys too.
const assertionTyp = "gw-assertion+jwt"

// maxCachedAssertions bounds the signed assertions kept for reuse.
const maxCachedAssertions = 20_000

// assertions caches signed assertions: signing one costs more than the rest of a
// request.
type assertions struct {
	signed *otter.Cache[assertionCacheKey, assertion]
}

type assertionCacheKey struct{ sid, audience string }

type assertion struct {
	text    string
	session Session // that it describes
	config  *activeConfig
	until   time.Time // until when it is reused
}

func newAssertions() *assertions {
	return &assertions{otter.Must(&otter.Options[assertionCacheKey, assertion]{MaximumSize: maxCachedAssertions})}
}

type assertionClaims struct {
	jwt.RegisteredClaims
	Audience string   `json:"aud"` // a plain string, not the list of RegisteredClaims
	AppID    string   `json:"appid"`
	UnionID  string   `json:"unionid,omitempty"`
	UserID   string   `json:"user_id,omitempty"`
	Roles    []string `json:"roles,omitempty"`
	Phone    string   `json:"phone,omitempty"`
}

// Assert returns an assertion of a session's user for one audience: a JWT, signed with
// ES256 and valid for AssertionTTL, which backends verify with the keys of JWKS. It is
// reused for half of that time, unless the session's data changes.
func (s *Store) Assert(session *Session, audience string) (string, error) {
	c, now := s.config.Load(), s.now()
	kind := assertionCacheKey{session.ID, audience}
	if a, ok := s.assertions.signed.GetIfPresent(kind); ok && a.config == c && now.Before(a.until) &&
		a.session.equal(session) {
		return a.text, nil
	}
	text, err := c.assert(session, audience, now)
	if err == nil {
		s.assertions.signed.Set(kind, assertion{text, *session, c, now.Add(c.AssertionTTL / 2)})
	}
	return text, err
}

// AssertUser returns an assertion of a user who may have no session: the sender of a
// message of WeChat's push.
func (s *Store) AssertUser(appid, openid, audience string) (string, error) {
	return s.config.Load().assert(&Session{AppID: appid, OpenID: openid}, audience, s.now())
}

// AssertHook returns the assertion for the login hook. It describes the user who is
// logging in: there is no session yet.
func (s *Store) AssertHook(login Login, audience string) (string, error) {
	facts := &Session{AppID: login.AppID, OpenID: login.OpenID, UnionID: login.UnionID}
	if login.Phone != nil {
		facts.Phone = login.Phone.Number
	}
	return s.config.Load().assert(facts, audience, s.now())
}

func (c *activeConfig) assert(s *Session, audience string, now time.Time) (string, error) {
	d := c.keys[0]
	token := jwt.NewWithClaims(jwt.SigningMethodES256, assertionClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: c.Issuer, Subject: s.OpenID, IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(c.AssertionTTL)),
		},
		Audience: audience, AppID: s.AppID, UnionID: s.UnionID, UserID: s.UserID, Roles: s.Roles, Phone: s.Phone,
	})
	token.Header["typ"] = assertionTyp
	token.Header["kid"] = d.assertKid
	return token.SignedString(d.assertion)
}

// JWKS returns the public keys of assertions, a JSON Web Key Set with one key for each
// secret. So an assertion signed before a rotation can still be verified, and backends
// know the key of a secret added at the end before it becomes the first. The caller
// must not change the bytes.
func (s *Store) JWKS() []byte { return s.config.Load().jwks }

// publicKey is a JWK of RFC 7518, public members only.
type publicKey struct {
	Type  string `json:"kty"`
	Curve string `json:"crv"`
	X     string `json:"x"`
	Y     string `json:"y"`
	ID    string `json:"kid"`
	Use   string `json:"use"`
	Alg   string `json:"alg"`
}

func publicKeys(ring keyring) ([]byte, error) {
	set := struct {
		Keys []publicKey `json:"keys"`
	}{}
	for _, d := range ring {
		key, err := newPublicKey(&d.assertion.PublicKey, d.assertKid)
		if err != nil {
			return nil, err
		}
		set.Keys = append(set.Keys, key)
	}
	return json.Marshal(set)
}

func newPublicKey(key *ecdsa.PublicKey, kid string) (publicKey, error) {
	point, err := key.Bytes()
	if err != nil {
		return publicKey{}, fmt.Errorf("public key: %w", err)
	}
	x, y := point[1:33], point[33:] // after 4: uncompressed, SEC 1
	return publicKey{
		Type: "EC", Curve: "P-256", X: base64.RawURLEncoding.EncodeToString(x), Y: base64.RawURLEncoding.EncodeToString(y),
		ID: kid, Use: "sig", Alg: "ES256",
	}, nil
}

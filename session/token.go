package session

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"wxgate/secret"
)

const (
	maxToken  = 4 << 10          // bytes; a longer token is refused before it is parsed
	clockSkew = 10 * time.Second // of iat: the clocks of two instances may differ by this; it doesn't extend a token
)

// tokens issues and verifies access tokens of both formats.
//
// A JWT is signed with HS256 and has the claims below. An opaque token is the session
// id, a dot and 48 bytes: 32 random ones, whose hash Redis stores, and a MAC of 16, by
// which forged tokens are refused without a round trip.
type tokens struct {
	ring    keyring
	issuer  string
	headers map[string]*secretKeys // by a JWT's encoded header
	parser  *jwt.Parser
}

type jwtClaims struct {
	SessionID string           `json:"sid"`
	Issuer    string           `json:"iss"`
	Subject   string           `json:"sub"` // openid
	Audience  string           `json:"aud"` // appid; one string, a list is refused
	ID        string           `json:"jti"` // random, so that two tokens of the same second differ
	IssuedAt  *jwt.NumericDate `json:"iat"`
	ExpiresAt *jwt.NumericDate `json:"exp"`
	NotBefore *jwt.NumericDate `json:"nbf,omitempty"`
}

func (c *jwtClaims) GetExpirationTime() (*jwt.NumericDate, error) { return c.ExpiresAt, nil }
func (c *jwtClaims) GetIssuedAt() (*jwt.NumericDate, error)       { return c.IssuedAt, nil }
func (c *jwtClaims) GetNotBefore() (*jwt.NumericDate, error)      { return c.NotBefore, nil }
func (c *jwtClaims) GetIssuer() (string, error)                   { return c.Issuer, nil }
func (c *jwtClaims) GetSubject() (string, error)                  { return c.Subject, nil }
func (c *jwtClaims) GetAudience() (jwt.ClaimStrings, error)       { return jwt.ClaimStrings{c.Audience}, nil }

// Validate is called by the parser after its own checks.
func (c *jwtClaims) Validate() error {
	if c.IssuedAt == nil || c.Subject == "" || c.Audience == "" || !validSID(c.SessionID) {
		return errors.New("a claim is missing")
	}
	return nil
}

// tokenClaims is the content of a verified token.
type tokenClaims struct {
	sid   string
	end   time.Time
	jwt   *jwtClaims // set for a JWT
	field string     // set for an opaque token: the session's field with its end
	key   keyID      // of the secret that signed it
}

func newTokens(ring keyring, issuer string, now func() time.Time) *tokens {
	t := &tokens{ring: ring, issuer: issuer, headers: map[string]*secretKeys{}}
	for _, d := range ring {
		text, err := newJWT(d, &jwtClaims{}).SigningString()
		if err != nil {
			panic(err) // impossible: the claims can be encoded
		}
		header, _, _ := strings.Cut(text, ".")
		t.headers[header] = d
	}
	t.parser = jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithStrictDecoding(),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithIssuer(issuer), jwt.WithLeeway(clockSkew), jwt.WithTimeFunc(now))
	return t
}

// stillAccepts reports whether a token that the previous configuration accepted,
// signed with the secret key, is accepted by t too.
func (t *tokens) stillAccepts(previous *tokens, key keyID) bool {
	return t.issuer == previous.issuer && slices.ContainsFunc(t.ring, func(d *secretKeys) bool { return d.id == key })
}

// typ distinguishes access tokens from assertions, although these have other keys too.
const typ = "at+jwt"

func newJWT(d *secretKeys, c *jwtClaims) *jwt.Token {
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, c)
	token.Header["typ"] = typ
	token.Header["kid"] = d.kid
	return token
}

// jwt issues a JWT for s.
func (t *tokens) jwt(s *Session, now, end time.Time) (secret.Text, error) {
	d := t.ring[0]
	text, err := newJWT(d, &jwtClaims{
		SessionID: s.ID, Issuer: t.issuer, Subject: s.OpenID, Audience: s.AppID, ID: newID(),
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(end),
	}).SignedString(d.signing)
	return secret.Text(text), err
}

const (
	opaqueRandom = 32
	opaqueLength = sidLength + 1 + 64 // 48 bytes are exactly 64 characters
)

// opaque issues an opaque token for a session. Its end is stored in Redis under field.
func (t *tokens) opaque(sid string) (token secret.Text, field string) {
	random := make([]byte, opaqueRandom, opaqueRandom+16)
	_, _ = rand.Read(random) // never fails: crypto/rand
	mac := t.ring[0].mac(opaqueText(sid, random))
	return secret.Text(sid + "." + strictBase64.EncodeToString(append(random, mac...))), opaqueField(random)
}

func opaqueText(sid string, random []byte) []byte { return append([]byte(sid), random...) }

// opaqueField returns the field of an opaque token: a byte and half of the SHA-256.
// That is enough against collisions, since an attacker can't create valid tokens. No
// other field has 17 bytes.
func opaqueField(random []byte) string {
	sum := sha256.Sum256(random)
	return "t" + string(sum[:16])
}

// read verifies what can be verified without Redis. It accepts only the exact text
// that the gateway issued: a token has one encoding.
func (t *tokens) read(token string) (tokenClaims, error) {
	switch dots := countDots(token); {
	case dots == 1 && len(token) == opaqueLength:
		return t.readOpaque(token, (*secretKeys).mac)
	case dots == 2:
		return t.readJWT(token)
	}
	return tokenClaims{}, ErrTokenInvalid
}

// countDots returns the number of dots, or -1 if the text has characters that no token
// has. Go's base64 decoder skips line breaks even in strict mode, so the alphabet is
// checked here.
func countDots(token string) int {
	dots := 0
	for i := range len(token) {
		if !tokenByte(token[i]) {
			return -1
		}
		if token[i] == '.' {
			dots++
		}
	}
	return dots
}

// readJWT looks up the encoded header. A header that this gateway did not write is
// refused before anything is decoded, with every other alg, typ, kid, crit or b64.
func (t *tokens) readJWT(token string) (tokenClaims, error) {
	header, _, _ := strings.Cut(token, ".")
	d := t.headers[header]
	if d == nil {
		return tokenClaims{}, ErrTokenInvalid
	}
	var c jwtClaims
	_, err := t.parser.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return d.signing, nil })
	if onlyExpired(err) {
		return tokenClaims{}, ErrTokenExpired
	}
	if err != nil {
		return tokenClaims{}, ErrTokenInvalid
	}
	return tokenClaims{sid: c.SessionID, end: c.ExpiresAt.Time, jwt: &c, key: d.id}, nil
}

// onlyExpired reports whether the expiry is the only reason to refuse the token. The
// parser checks claims only after the signature.
func onlyExpired(err error) bool {
	if !errors.Is(err, jwt.ErrTokenExpired) {
		return false
	}
	for _, other := range []error{jwt.ErrTokenInvalidIssuer, jwt.ErrTokenUsedBeforeIssued, jwt.ErrTokenNotValidYet, jwt.ErrTokenRequiredClaimMissing} {
		if errors.Is(err, other) {
			return false
		}
	}
	return true
}

// readOpaque verifies an opaque token or a cookie; mac computes the MAC of that kind.
func (t *tokens) readOpaque(token string, mac func(*secretKeys, []byte) []byte) (tokenClaims, error) {
	sid, rest, _ := strings.Cut(token, ".")
	raw, err := strictBase64.DecodeString(rest)
	if err != nil || !validSID(sid) || len(raw) != opaqueRandom+16 {
		return tokenClaims{}, ErrTokenInvalid
	}
	random, presented := raw[:opaqueRandom], raw[opaqueRandom:]
	for _, d := range t.ring {
		if subtle.ConstantTimeCompare(mac(d, opaqueText(sid, random)), presented) == 1 {
			return tokenClaims{sid: sid, field: opaqueField(random), key: d.id}, nil
		}
	}
	return tokenClaims{}, ErrTokenInvalid
}

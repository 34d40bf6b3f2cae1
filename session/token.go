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
	maxToken  = 4 << 10          // bytes, before anything is parsed
	clockSkew = 10 * time.Second // a token of another instance may seem this young; none is valid longer for it
)

// tokens writes and reads access tokens of both formats.
//
// A JWT is HS256 with the claims below. An opaque token is the session id, a
// dot and 48 bytes: 32 random ones, of which Redis holds the
// hash, and a MAC of 16 that proves without Redis that this gateway made it, so that
// made-up tokens cost no round trip.
type tokens struct {
	ring    keyring
	issuer  string
	headers map[string]*secretKeys // a JWT's first part, as this gateway writes it
	parser  *jwt.Parser
}

type jwtClaims struct {
	SessionID string           `json:"sid"`
	Issuer    string           `json:"iss"`
	Subject   string           `json:"sub"` // openid
	Audience  string           `json:"aud"` // appid; one string, a list is refused
	ID        string           `json:"jti"` // makes a fresh token differ from one of the same second
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

// tokenClaims is what a token says once its signature holds.
type tokenClaims struct {
	sid   string
	end   time.Time
	jwt   *jwtClaims // of a JWT
	field string     // of an opaque token: where the session holds its hash
	key   keyID      // of the secret that it was made with
}

func newTokens(ring keyring, issuer string, now func() time.Time) *tokens {
	t := &tokens{ring: ring, issuer: issuer, headers: map[string]*secretKeys{}}
	for _, d := range ring {
		text, err := newJWT(d, &jwtClaims{}).SigningString()
		if err != nil {
			panic(err) // only for claims that JSON can't hold
		}
		header, _, _ := strings.Cut(text, ".")
		t.headers[header] = d
	}
	t.parser = jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithStrictDecoding(),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithIssuer(issuer), jwt.WithLeeway(clockSkew), jwt.WithTimeFunc(now))
	return t
}

// accepts reports whether a token that was good by other settings is good still.
func (t *tokens) stillAccepts(previous *tokens, key keyID) bool {
	return t.issuer == previous.issuer && slices.ContainsFunc(t.ring, func(d *secretKeys) bool { return d.id == key })
}

// typ distinguishes access tokens from assertions, which have other keys too.
const typ = "at+jwt"

func newJWT(d *secretKeys, c *jwtClaims) *jwt.Token {
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, c)
	token.Header["typ"] = typ
	token.Header["kid"] = d.kid
	return token
}

// jwt issues a token for s.
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
	opaqueLength = sidLength + 1 + 64 // 64 characters are 48 bytes to the bit
)

// opaque issues a token for s, to be stored in Redis under field.
func (t *tokens) opaque(sid string) (token secret.Text, field string) {
	random := make([]byte, opaqueRandom, opaqueRandom+16)
	_, _ = rand.Read(random) // never fails: crypto/rand
	mac := t.ring[0].mac(opaqueText(sid, random))
	return secret.Text(sid + "." + strictBase64.EncodeToString(append(random, mac...))), opaqueField(random)
}

func opaqueText(sid string, random []byte) []byte { return append([]byte(sid), random...) }

// opaqueField is one byte and half of the hash, enough against all who can't
// make good tokens themselves: 17 bytes, which no other field has.
func opaqueField(random []byte) string {
	sum := sha256.Sum256(random)
	return "t" + string(sum[:16])
}

// read checks all that can be checked without Redis. Only the texts that this
// gateway writes are accepted, to the bit: each token has one text.
func (t *tokens) read(token string) (tokenClaims, error) {
	switch dots := countDots(token); {
	case dots == 1 && len(token) == opaqueLength:
		return t.readOpaque(token, (*secretKeys).mac)
	case dots == 2:
		return t.readJWT(token)
	}
	return tokenClaims{}, ErrTokenInvalid
}

// countDots returns -1 for text that no token is made of. Go's base64 decoder
// skips line breaks even when strict, hence the alphabet first.
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

// readJWT looks the header up as text: one that this gateway didn't write is
// refused before anything of the token is decoded, and with it every other
// alg, typ, kid, crit, b64 and what else a header may hold.
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

// onlyExpired is true where the end is all that is wrong. Claims are checked
// after the signature only.
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

// readOpaque reads a token whose MAC is of one kind.
func (t *tokens) readOpaque(token string, kind func(*secretKeys, []byte) []byte) (tokenClaims, error) {
	sid, rest, _ := strings.Cut(token, ".")
	raw, err := strictBase64.DecodeString(rest)
	if err != nil || !validSID(sid) || len(raw) != opaqueRandom+16 {
		return tokenClaims{}, ErrTokenInvalid
	}
	random, mac := raw[:opaqueRandom], raw[opaqueRandom:]
	for _, d := range t.ring {
		if subtle.ConstantTimeCompare(kind(d, opaqueText(sid, random)), mac) == 1 {
			return tokenClaims{sid: sid, field: opaqueField(random), key: d.id}, nil
		}
	}
	return tokenClaims{}, ErrTokenInvalid
}

package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	issuer   = "http://issuer.invalid"
	audience = "versus"
)

// keys are the tokens of a run, and the file from which the auth service reads the keys
// that verify them.
type keys struct {
	hs256, rs256 string // tokens, by algorithm
	file         string
}

// sharedKeys is the content of keys.file.
type sharedKeys struct {
	Secret []byte
	JWKS   json.RawMessage
}

func (c *comparison) writeKeys() (*keys, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": issuer, "aud": audience, "sub": "oZRPn0Tm5vG1YZ9mUqQ3dX2bC4eA", "email": "alice@example.com", "email_verified": true,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	token.Header["kid"] = "1"
	rs256, err := token.SignedString(private)
	if err != nil {
		return nil, err
	}
	shared, err := json.Marshal(sharedKeys{Secret: c.secret, JWKS: jwks(&private.PublicKey)})
	if err != nil {
		return nil, err
	}
	file, err := c.rig.Write("keys.json", string(shared))
	return &keys{hs256: c.jwt(), rs256: rs256, file: file}, err
}

func jwks(key *rsa.PublicKey) json.RawMessage {
	encode := base64.RawURLEncoding.EncodeToString
	text, err := json.Marshal(map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": encode(key.N.Bytes()), "e": encode(big.NewInt(int64(key.E)).Bytes()),
	}}})
	if err != nil {
		panic(err) // strings can always be encoded
	}
	return text
}

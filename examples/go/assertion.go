package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Claims are the claims of an assertion.
type Claims struct {
	jwt.RegisteredClaims
	AppID   string   `json:"appid"`
	UnionID string   `json:"unionid"`
	UserID  string   `json:"user_id"`
	Roles   []string `json:"roles"`
	Phone   string   `json:"phone"`
}

// Verify returns the claims of a valid assertion.
func Verify(assertion string, keys *Keys, issuer, audience string) (*Claims, error) {
	claims := &Claims{}
	_, err := jwt.ParseWithClaims(assertion, claims, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		if key := keys.Get(kid); key != nil && t.Header["typ"] == "gw-assertion+jwt" {
			return key, nil
		}
		return nil, errors.New("unknown key")
	},
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(5*time.Second), jwt.WithStrictDecoding())
	if err != nil {
		return nil, err
	}
	if claims.Subject == "" {
		return nil, errors.New("no subject")
	}
	return claims, nil
}

// Keys are the gateway's public keys by kid. They are cached, and fetched again for an
// unknown kid, but not within a minute after a fetch: anybody can send an unknown kid.
type Keys struct {
	URL string

	mu      sync.Mutex
	fetched time.Time
	keys    map[string]*ecdsa.PublicKey
}

// Get returns a key; nil where there is none.
func (k *Keys) Get(kid string) *ecdsa.PublicKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys[kid] == nil && time.Since(k.fetched) > time.Minute {
		if keys, err := fetchKeys(k.URL); err == nil {
			k.keys, k.fetched = keys, time.Now()
		}
	}
	return k.keys[kid]
}

var client = http.Client{Timeout: 5 * time.Second}

func fetchKeys(url string) (map[string]*ecdsa.PublicKey, error) {
	res, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var set struct {
		Keys []struct{ Kid, X, Y string }
	}
	if err := json.NewDecoder(http.MaxBytesReader(nil, res.Body, 64<<10)).Decode(&set); err != nil {
		return nil, err
	}
	keys := map[string]*ecdsa.PublicKey{}
	for _, k := range set.Keys {
		x, errX := base64.RawURLEncoding.DecodeString(k.X)
		y, errY := base64.RawURLEncoding.DecodeString(k.Y)
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
		if err := errors.Join(errX, errY, err); err != nil {
			return nil, err
		}
		keys[k.Kid] = key
	}
	return keys, nil
}

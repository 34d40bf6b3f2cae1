// Command go shows how a Go backend checks an identity assertion:
//
//	go run . JWKS-URL ISSUER AUDIENCE ASSERTION
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Claims is what an assertion says of the caller.
type Claims struct {
	jwt.RegisteredClaims
	AppID   string   `json:"appid"`
	UnionID string   `json:"unionid"`
	UserID  string   `json:"user_id"`
	Roles   []string `json:"roles"`
	Phone   string   `json:"phone"`
}

// Verify gives the claims of a good assertion. keys come from FetchKeys; fetch
// them again, once a minute at most, when a kid isn't among them.
func Verify(assertion string, keys map[string]*ecdsa.PublicKey, issuer, audience string) (*Claims, error) {
	claims := &Claims{}
	_, err := jwt.ParseWithClaims(assertion, claims, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		if key := keys[kid]; key != nil && t.Header["typ"] == "gw-assertion+jwt" {
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

// FetchKeys reads the gateway's public keys, by kid.
func FetchKeys(url string) (map[string]*ecdsa.PublicKey, error) {
	res, err := http.Get(url)
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

func main() {
	keys, err := FetchKeys(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	claims, err := Verify(os.Args[4], keys, os.Args[2], os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, "refused:", err)
		os.Exit(1)
	}
	fmt.Println(claims.Subject)
}

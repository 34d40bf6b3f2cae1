package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// serveAuth is the auth service of Caddy and Traefik. It verifies the JWT of each request,
// and does nothing else. Its processor time counts as that of the proxy.
func serveAuth(file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		fail(err)
	}
	var shared sharedKeys
	if err := json.Unmarshal(text, &shared); err != nil {
		fail(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/auth", shared.authenticate)
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(shared.JWKS)
	})
	listenAndServe(mux)
}

// authenticate responds with 200 and X-OpenID if the token is valid, else with 401.
func (s *sharedKeys) authenticate(w http.ResponseWriter, r *http.Request) {
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	claims := jwt.RegisteredClaims{}
	_, err := jwt.ParseWithClaims(text, &claims, s.key, jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())
	if !ok || err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("X-OpenID", claims.Subject)
}

func (s *sharedKeys) key(*jwt.Token) (any, error) {
	return []byte(base64.RawURLEncoding.EncodeToString(s.Secret)), nil
}

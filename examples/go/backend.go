// Command go is a backend behind wxgate. It verifies that requests came through the
// gateway, reads the user, and handles the login hook:
//
//	go run ./examples/go
package main

import (
	"cmp"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strings"
)

var (
	keys   = &Keys{URL: setting("WXGATE_JWKS", "http://127.0.0.1:8080/.well-known/jwks.json")}
	issuer = setting("WXGATE_ISSUER", "wxgate") // token.issuer
	route  = setting("ROUTE", "api")            // the route's name
)

func main() {
	http.HandleFunc("/api/", hello)
	http.HandleFunc("POST /hooks/login", login)
	log.Fatal(http.ListenAndServe(setting("LISTEN", "127.0.0.1:3000"), nil))
}

// hello responds with the user. Without the verification, anybody who can connect to the
// backend could send X-OpenID.
func hello(w http.ResponseWriter, r *http.Request) {
	claims, err := Verify(r.Header.Get("X-Identity-Assertion"), keys, issuer, route)
	if err != nil || claims.Subject != r.Header.Get("X-OpenID") {
		http.Error(w, "not through the gateway", http.StatusForbidden)
		return
	}
	writeJSON(w, map[string]any{"openid": claims.Subject, "user_id": claims.UserID, "roles": claims.Roles})
}

// login returns the backend's own user id. A response with 403 would refuse the login.
func login(w http.ResponseWriter, r *http.Request) {
	assertion, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	claims, err := Verify(assertion, keys, issuer, "login-hook")
	if err != nil {
		http.Error(w, "not from the gateway", http.StatusUnauthorized)
		return
	}
	writeJSON(w, map[string]any{"user_id": "u-" + claims.Subject, "roles": []string{"customer"}})
}

func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

func setting(name, defaultValue string) string { return cmp.Or(os.Getenv(name), defaultValue) }

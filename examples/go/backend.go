// Command go is a backend behind wxgate. It checks that requests came through the
// gateway, reads who is calling, and answers the login hook:
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

// hello answers who is calling. Without the check a backend believes whoever reaches it.
func hello(w http.ResponseWriter, r *http.Request) {
	claims, err := Verify(r.Header.Get("X-Identity-Assertion"), keys, issuer, route)
	if err != nil || claims.Subject != r.Header.Get("X-OpenID") {
		http.Error(w, "not through the gateway", http.StatusForbidden)
		return
	}
	answer(w, map[string]any{"openid": claims.Subject, "user_id": claims.UserID, "roles": claims.Roles})
}

// login says which user of ours this is. 403 would refuse the login.
func login(w http.ResponseWriter, r *http.Request) {
	assertion, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	claims, err := Verify(assertion, keys, issuer, "login-hook")
	if err != nil {
		http.Error(w, "not from the gateway", http.StatusUnauthorized)
		return
	}
	answer(w, map[string]any{"user_id": "u-" + claims.Subject, "roles": []string{"customer"}})
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

func setting(name, otherwise string) string { return cmp.Or(os.Getenv(name), otherwise) }

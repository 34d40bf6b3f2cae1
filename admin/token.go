package admin

import (
	"net/http"
	"slices"

	"wxgate/secret"
)

// Scope is a group of calls that a token permits.
type Scope string

// The scopes.
const (
	ScopeAdmin  Scope = "admin"  // users and sessions
	ScopeWeChat Scope = "wechat" // the relay, decrypt and sign
	ScopeToken  Scope = "token"  // the shared access token itself
)

// Token authenticates a backend or an operator on the private listener.
type Token struct {
	Name   string // identifies its holder in the audit log
	Token  secret.Text
	Scopes []Scope
	Apps   []string // the appids that it may be used for; nil: all
}

func (t Token) hasScope(scope Scope) bool { return slices.Contains(t.Scopes, scope) }

func (t Token) allowsApp(appid string) bool { return t.Apps == nil || slices.Contains(t.Apps, appid) }

// tokenKey is the context key of the token that authenticated the request.
type tokenKey struct{}

// tokenFrom returns the token that authenticated the request.
func tokenFrom(r *http.Request) Token {
	t, _ := r.Context().Value(tokenKey{}).(Token)
	return t
}

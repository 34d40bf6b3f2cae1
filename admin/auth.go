package admin

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"wxgate/apierror"
	"wxgate/secret"
)

// Scope is a group of calls that a token may make.
type Scope string

const (
	ScopeAdmin  Scope = "admin"  // users and sessions
	ScopeWeChat Scope = "wechat" // the relay, decrypt and sign
)

// Token authenticates a backend or an operator on the private listener.
type Token struct {
	Name   string // of its owner, for the audit log
	Token  secret.Text
	Scopes []Scope
}

// tokenKey is the context's key for the token that authenticated the request.
type tokenKey struct{}

// tokenOf gives the token that authenticated the request.
func tokenOf(r *http.Request) Token {
	t, _ := r.Context().Value(tokenKey{}).(Token)
	return t
}

// requireScope lets requests with a token of the scope pass.
func (s *Server) requireScope(scope Scope) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, e := s.authenticate(r)
			if e == nil && !slices.Contains(token.Scopes, scope) {
				e = apierror.New(apierror.Forbidden, "this token has not the scope "+string(scope))
			}
			if e != nil {
				writeError(w, r, e)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, token)))
		})
	}
}

// authenticate finds the request's token. Every configured token is compared, in
// constant time, so that timing doesn't tell how close a guess was.
func (s *Server) authenticate(r *http.Request) (Token, *apierror.Error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return Token{}, apierror.New(apierror.TokenMissing, "a token of admin.tokens is asked for")
	}
	scheme, given, _ := strings.Cut(values[0], " ")
	found := Token{}
	for _, t := range s.config().Tokens {
		if t.Token.Equal(given) {
			found = t
		}
	}
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || found.Token == "" {
		return Token{}, apierror.New(apierror.TokenInvalid, "the token is not one of admin.tokens")
	}
	return found, nil
}

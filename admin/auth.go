package admin

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/internal/sleep"
	"wxgate/secret"
)

// Scope is a group of calls that a token may make.
type Scope string

const (
	ScopeAdmin  Scope = "admin"  // users and sessions
	ScopeWeChat Scope = "wechat" // the relay, decrypt and sign
	ScopeToken  Scope = "token"  // the shared access token itself
)

// Token authenticates a backend or an operator on the private listener.
type Token struct {
	Name   string // of its owner, for the audit log
	Token  secret.Text
	Scopes []Scope
	Apps   []string // the appids that it may be used for; nil: all
}

func (t Token) has(scope Scope) bool { return slices.Contains(t.Scopes, scope) }

func (t Token) mayUse(appid string) bool { return t.Apps == nil || slices.Contains(t.Apps, appid) }

// tokenKey is the context's key for the token that authenticated the request.
type tokenKey struct{}

// tokenOf gives the token that authenticated the request.
func tokenOf(r *http.Request) Token {
	t, _ := r.Context().Value(tokenKey{}).(Token)
	return t
}

// requireScope lets requests pass whose token has one of the scopes, and may be
// used for the app in the path where there is one.
func (s *Server) requireScope(scopes ...Scope) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, e := s.authenticate(r)
			if e == nil {
				e = s.authorize(r, token, scopes)
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
		s.logAuthFailure(r, "missing", "")
		return Token{}, apierror.New(apierror.TokenMissing, "a token of admin.tokens is asked for"+s.noTokensHint())
	}
	scheme, given, _ := strings.Cut(values[0], " ")
	found := Token{}
	for _, t := range s.config().Tokens {
		if t.Token.Equal(given) {
			found = t
		}
	}
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || found.Token == "" {
		return Token{}, s.refuseToken(r)
	}
	return found, nil
}

// refuseToken answers an unknown token: slowly, where the address has sent many,
// and not at all once more of them are waiting than will be answered in time. A
// token that is known is never slowed down, whoever else shares its address.
func (s *Server) refuseToken(r *http.Request) *apierror.Error {
	s.logAuthFailure(r, "unknown", "")
	delay, ok := s.throttle.delay(r.RemoteAddr, time.Now())
	if !ok {
		e := apierror.New(apierror.RateLimited, "too many unknown tokens from this address")
		e.RetryAfter = delay
		return e
	}
	sleep.For(r.Context(), delay)
	return apierror.New(apierror.TokenInvalid, "the token is not one of admin.tokens"+s.noTokensHint())
}

func (s *Server) noTokensHint() string {
	if len(s.config().Tokens) > 0 {
		return ""
	}
	return ", of which none are configured"
}

func (s *Server) authorize(r *http.Request, t Token, scopes []Scope) *apierror.Error {
	if !slices.ContainsFunc(scopes, t.has) {
		s.logAuthFailure(r, "scope", t.Name)
		return apierror.New(apierror.Forbidden, "this token has not the scope "+string(scopes[0]))
	}
	if appid := chi.URLParam(r, "appid"); appid != "" && !t.mayUse(appid) {
		s.logAuthFailure(r, "app", t.Name)
		return apierror.New(apierror.Forbidden, "this token is not for this app")
	}
	return nil
}

func (s *Server) logAuthFailure(r *http.Request, reason, token string) {
	s.authFailures.WithLabelValues(reason).Inc()
	s.failures.Warn("authentication failed", zap.String("reason", reason), zap.String("actor", token),
		zap.String("method", r.Method), zap.String("path", r.URL.Path), zap.String("from", r.RemoteAddr), zap.String("request_id", requestID(r)))
}

package admin

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/secret"
)

// Scope is what a token opens.
type Scope string

const (
	ScopeAdmin  Scope = "admin"  // users and sessions
	ScopeWeChat Scope = "wechat" // the relay, decrypt and sign
)

// Token is a backend's or an operator's key to the private listener.
type Token struct {
	Name   string // who holds it, for the audit log
	Token  secret.Text
	Scopes []Scope
}

// holder is the context's key for the name of the token that was shown.
type holder struct{}

// need lets calls with a token of the scope pass. Every configured token is
// compared, in constant time, so that timing tells nothing of which are near.
func (s *Server) need(scope Scope) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, f := s.authenticate(r)
			if f == nil && !slices.Contains(token.Scopes, scope) {
				f = apierror.New(apierror.Forbidden, "this token has not the scope "+string(scope))
			}
			if f != nil {
				refuse(w, r, f)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), holder{}, token.Name)))
		})
	}
}

func (s *Server) authenticate(r *http.Request) (Token, *apierror.Error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return Token{}, apierror.New(apierror.TokenMissing, "a token of admin.tokens is asked for")
	}
	scheme, shown, _ := strings.Cut(values[0], " ")
	found := Token{}
	for _, t := range s.Config().Tokens {
		if t.Token.Equal(shown) {
			found = t
		}
	}
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || found.Token == "" {
		return Token{}, apierror.New(apierror.TokenInvalid, "the token is not one of admin.tokens")
	}
	return found, nil
}

// audit writes the one line that every change leaves: who, what, whom, with
// which result.
func (s *Server) audit(r *http.Request, action string, err error, whom ...zap.Field) {
	who, _ := r.Context().Value(holder{}).(string)
	fields := append([]zap.Field{
		zap.String("actor", who), zap.String("action", action), zap.String("request_id", requestID(r)),
		zap.String("from", r.RemoteAddr), zap.Bool("ok", err == nil), zap.Error(err),
	}, whom...)
	s.Log.Named("audit").Info("audit", fields...)
}

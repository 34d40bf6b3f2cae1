package admin

import (
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/internal/sleep"
)

// authenticate returns the configured token that the request presents. It compares
// all of them in constant time, so that the time doesn't reveal how close a guess was.
func (s *Server) authenticate(r *http.Request) (Token, *apierror.Error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		s.logAuthFailure(r, "missing", "")
		return Token{}, apierror.New(apierror.TokenMissing, "a token of admin.tokens is required"+s.noTokensHint())
	}
	scheme, presented, _ := strings.Cut(values[0], " ")
	found := Token{}
	for _, t := range s.config().Tokens {
		if t.Token.Equal(presented) {
			found = t
		}
	}
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || found.Token == "" {
		return Token{}, s.refuseToken(r)
	}
	return found, nil
}

// refuseToken refuses an unknown token: after a delay if the address has sent many,
// at once with 429 if the delay would be too long. A valid token is never delayed,
// whoever else uses its address.
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
	return ", but none is configured"
}

func (s *Server) logAuthFailure(r *http.Request, reason, token string) {
	s.authFailures.WithLabelValues(reason).Inc()
	s.authFailureLog.Warn("authentication failed", zap.String("reason", reason), zap.String("actor", token),
		zap.String("method", r.Method), zap.String("path", r.URL.Path), zap.String("from", r.RemoteAddr), zap.String("request_id", requestID(r)))
}

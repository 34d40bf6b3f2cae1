package proxy

import (
	"errors"
	"strings"

	"go.uber.org/zap"

	"wxgate/apierror"
)

// authenticate verifies the token or the web session's cookie, as the route requires.
func (g *Gateway) authenticate(rs *requestState) error {
	if !rs.route.authenticates() {
		return nil
	}
	if rs.route.AcceptCookie && rs.usesCookie() {
		err := g.authenticateByCookie(rs)
		if err != nil && rs.setWebCookie != "" && rs.route.Auth == AuthOptional {
			return nil // a request with the cookie of an ended session is anonymous
		}
		return rs.showErrorPage(err)
	}
	err := g.authenticateByToken(rs)
	if err == nil {
		return nil
	}
	if e := (*apierror.Error)(nil); !errors.As(err, &e) || e.Code != apierror.TokenMissing {
		return err
	}
	if rs.route.Auth == AuthOptional {
		return nil
	}
	return rs.showErrorPage(err)
}

// authenticateByToken sets the session of the request's Bearer token.
func (g *Gateway) authenticateByToken(rs *requestState) error {
	token, err := bearerToken(rs.r.Header["Authorization"])
	if err != nil {
		return err
	}
	auth, err := g.Sessions.Authenticate(rs.r.Context(), token)
	if err != nil {
		return err
	}
	rs.auth, rs.authenticated = auth, true
	return nil
}

// renewToken sends a new token if the old one is about to expire. An error of the
// store does not fail the request: the old token is still valid, and the next request
// tries again.
func (g *Gateway) renewToken(rs *requestState) error {
	if !rs.authenticated || !g.Sessions.NeedsRenewal(rs.auth) {
		return nil
	}
	renewed, err := g.Sessions.Renew(rs.r.Context(), rs.auth)
	if err != nil {
		g.Log.Info("could not renew a token", zap.Error(err), zap.String("request_id", rs.id))
		return nil
	}
	rs.renewedToken = renewed.Value.Reveal()
	return nil
}

// errTokenMissing is the error of a request without a token.
var errTokenMissing = apierror.New(apierror.TokenMissing, "log in first: no token was sent")

// bearerToken returns the token of the Authorization header (RFC 6750, section 2.1). Any
// other scheme is an error.
func bearerToken(values []string) (string, error) {
	if len(values) == 0 || values[0] == "" {
		return "", errTokenMissing
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.TrimLeft(token, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", apierror.New(apierror.TokenInvalid, "Authorization must be: Bearer and a token")
	}
	return token, nil
}

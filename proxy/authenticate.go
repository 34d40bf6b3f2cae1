package proxy

import (
	"errors"
	"strings"

	"go.uber.org/zap"

	"wxgate/apierror"
)

// authenticate checks the token, or a web page's cookie, as far as the route
// looks at one.
func (g *Gateway) authenticate(rc *requestContext) error {
	if !rc.route.needsUser() {
		return nil
	}
	if rc.route.AcceptCookie && rc.cookieOffered() {
		err := g.identifyByCookie(rc)
		if err != nil && rc.setWebCookie != "" && rc.route.Auth == AuthOptional {
			return nil // a dead cookie is nobody's
		}
		return rc.failNavigation(err)
	}
	err := g.identify(rc)
	if err == nil {
		return nil
	}
	if e := (*apierror.Error)(nil); !errors.As(err, &e) || e.Code != apierror.TokenMissing {
		return err
	}
	if rc.route.Auth == AuthOptional {
		return nil
	}
	return rc.failNavigation(err)
}

// identify finds the session of the request's token.
func (g *Gateway) identify(rc *requestContext) error {
	token, err := bearer(rc.r.Header["Authorization"])
	if err != nil {
		return err
	}
	auth, err := g.Sessions.Authenticate(rc.r.Context(), token)
	if err != nil {
		return err
	}
	rc.auth, rc.authenticated = auth, true
	return nil
}

// renewToken puts a fresh token on the answer where the old one nears its end. A
// store that can't be reached costs nothing: the old token is good, the next
// request tries again.
func (g *Gateway) renewToken(rc *requestContext) error {
	if !rc.authenticated || !g.Sessions.NeedsRenewal(rc.auth) {
		return nil
	}
	fresh, err := g.Sessions.Renew(rc.r.Context(), rc.auth)
	if err != nil {
		g.Log.Info("a token could not be renewed", zap.Error(err), zap.String("request_id", rc.id))
		return nil
	}
	rc.renewedToken = fresh.Value.Reveal()
	return nil
}

// errTokenMissing is the refusal of a request without a token.
var errTokenMissing = apierror.New(apierror.TokenMissing, "log in first: no token was sent")

// bearer takes the token out of the Authorization header (RFC 6750, section
// 2.1). Any other scheme is none of the gateway's.
func bearer(values []string) (string, error) {
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

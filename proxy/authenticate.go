package proxy

import (
	"errors"
	"slices"
	"strings"

	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/session"
)

// authenticate checks the token, as far as the route looks at one.
func (g *Gateway) authenticate(x *exchange) error {
	if !x.route.needsUser() {
		return nil
	}
	err := g.identify(x)
	if f := (*apierror.Error)(nil); x.route.Auth == AuthOptional && errors.As(err, &f) && f.Code == apierror.TokenMissing {
		return nil
	}
	return err
}

// identify asks whose token came with the request.
func (g *Gateway) identify(x *exchange) error {
	token, err := bearer(x.r.Header["Authorization"])
	if err != nil {
		return err
	}
	grant, err := g.Sessions.Authenticate(x.r.Context(), token)
	if err != nil {
		return err
	}
	x.grant, x.known = grant, true
	return nil
}

// renew puts a fresh token on the answer where the old one nears its end. A
// store that can't be reached costs nothing: the old token is good, the next
// request tries again.
func (g *Gateway) renew(x *exchange) error {
	if !x.known || !g.Sessions.NeedsRenewal(x.grant) {
		return nil
	}
	fresh, err := g.Sessions.Renew(x.r.Context(), x.grant)
	if err != nil {
		g.Log.Info("a token could not be renewed", zap.Error(err), zap.String("request_id", x.id))
		return nil
	}
	x.renewed = fresh.Value.Reveal()
	return nil
}

// errNoToken is the refusal of a request without a token.
var errNoToken = apierror.New(apierror.TokenMissing, "log in first: no token was sent")

// bearer takes the token out of the Authorization header (RFC 6750, section
// 2.1). Any other scheme is not ours to judge valid.
func bearer(values []string) (string, error) {
	if len(values) == 0 || values[0] == "" {
		return "", errNoToken
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.TrimLeft(token, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", apierror.New(apierror.TokenInvalid, "Authorization must be: Bearer and a token")
	}
	return token, nil
}

// checkRequirements holds the session against what the route asks of it.
func checkRequirements(x *exchange) error {
	if len(x.route.Roles) == 0 && !x.route.RequirePhone {
		return nil
	}
	s := x.session()
	switch {
	case s == nil:
		return errNoToken
	case !hasRole(s, x.route.Roles):
		return apierror.New(apierror.Forbidden, "this user may not do this")
	case x.route.RequirePhone && s.Phone == "":
		return apierror.New(apierror.PhoneRequired, "bind a phone number first")
	}
	return nil
}

// hasRole reports whether the session has one of the roles; none asked for is
// granted to all.
func hasRole(s *session.Session, roles []string) bool {
	return len(roles) == 0 || slices.ContainsFunc(roles, func(role string) bool { return slices.Contains(s.Roles, role) })
}

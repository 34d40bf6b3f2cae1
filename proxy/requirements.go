package proxy

import (
	"slices"

	"wxgate/apierror"
	"wxgate/session"
)

// checkRequirements checks the roles and the phone number that the route requires.
func checkRequirements(rs *requestState) error {
	if len(rs.route.Roles) == 0 && !rs.route.RequirePhone {
		return nil
	}
	s := rs.session()
	switch {
	case s == nil:
		return errTokenMissing
	case !hasRole(s, rs.route.Roles):
		return apierror.New(apierror.Forbidden, "this user may not do this")
	case rs.route.RequirePhone && s.Phone == "":
		return apierror.New(apierror.PhoneRequired, "bind a phone number first")
	}
	return nil
}

// hasRole reports whether the session has one of the roles, or roles is empty.
func hasRole(s *session.Session, roles []string) bool {
	return len(roles) == 0 || slices.ContainsFunc(roles, func(role string) bool { return slices.Contains(s.Roles, role) })
}

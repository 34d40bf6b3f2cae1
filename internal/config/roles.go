package config

import "wxgate/internal/httprule"

// checkRequiredRoles accepts roles that the login hook can return. With any other
// the route would refuse every user.
func (v *validator) checkRequiredRoles(key string, roles []string) {
	for i, role := range roles {
		if !httprule.ValidRole(role) {
			v.errorf(at(key, i), "%s is not a role that hooks.login can return: 1 to %d bytes without control characters", Quote(role), httprule.MaxRoleBytes)
		}
	}
	distinct(v, key, roles)
	if len(roles) > 0 && v.Hooks.Login.URL.URL == nil {
		v.warnf(key, "no user has a role: roles come from hooks.login, which is not set")
	}
}

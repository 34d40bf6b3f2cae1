package endpoint

import (
	"wxgate/proxy/ratelimit"
	"wxgate/session"
)

// loginLimit gives what LoginPerIP counts a login for, the client's address, and the rate.
func (r *Request) loginLimit() (key string, rate session.Rate) {
	return "login:" + ratelimit.Address(r.Client), r.config.LoginPerIP
}

// countAgainstLoginLimit counts a request that fails before it is a login, and a ticket that is not
// valid, against the address's limit of logins. It returns the error of a limit that is
// reached.
func (h *Handler) countAgainstLoginLimit(r *Request) error {
	key, rate := r.loginLimit()
	return ratelimit.Allow(r.HTTP.Context(), h.Sessions, key, rate)
}

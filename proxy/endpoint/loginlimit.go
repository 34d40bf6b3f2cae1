package endpoint

import (
	"wxgate/proxy/ratelimit"
	"wxgate/session"
)

// loginLimit returns the limit on logins for the client's address: the key that is
// counted, and the rate.
func (r *Request) loginLimit() (key string, rate session.Rate) {
	return "login:" + ratelimit.Address(r.Client), r.config.LoginPerIP
}

// checkLoginLimit counts the request against the login limit and returns an error if the
// limit is exceeded. It is for invalid tickets, and for logins that fail before
// Sessions.UseCodeOnce, which counts all others.
func (h *Handler) checkLoginLimit(r *Request) error {
	key, rate := r.loginLimit()
	return ratelimit.Allow(r.HTTP.Context(), h.Sessions, key, rate)
}

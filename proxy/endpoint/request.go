package endpoint

import (
	"net/http"
	"net/netip"

	"wxgate/proxy/ratelimit"
	"wxgate/session"
)

// Request is one call, as package proxy has admitted it. Its ResponseWriter adds the
// headers that every response of the gateway has.
type Request struct {
	http.ResponseWriter
	HTTP       *http.Request
	ID         string     // the request id
	Client     netip.Addr // the client's address, behind trusted proxies
	ClientText string     // the same as text

	// Authenticate returns the session of the request's token. With cookie, a web
	// page's session cookie counts if there is no token. With renew, the response
	// has a fresh token if the present one expires soon. The error is the one to
	// respond with.
	Authenticate func(renew, cookie bool) (session.AuthResult, error)

	SameOrigin    func() bool             // the request comes from a page of this origin, or is a person's navigation
	WebSession    func() *session.Session // the live session of the browser's cookie; nil: none
	SetCookie     func(line string)       // adds a Set-Cookie line to the response
	AcceptsCookie func(path string) bool  // the path's route authenticates by cookie

	// Set by Serve, for the access log.
	Name string             // the endpoint's path without its leading slash; "": no endpoint there
	Auth session.AuthResult // the caller's session; zero: not authenticated

	config      *Config // of the time when the call began
	allowCookie bool    // see endpoint.allowCookie
}

// authenticate returns the caller's session, and counts the call against the user's
// limit: WeChat's quota and the circuit breaker for WeChat are shared by all users.
func (h *Handler) authenticate(r *Request) (*session.Session, error) {
	return h.authenticateCaller(r, false)
}

// authenticateAndRenew is authenticate for calls whose response may have a fresh token.
func (h *Handler) authenticateAndRenew(r *Request) (*session.Session, error) {
	return h.authenticateCaller(r, true)
}

func (h *Handler) authenticateCaller(r *Request, renew bool) (*session.Session, error) {
	auth, err := r.Authenticate(renew, r.allowCookie)
	if err != nil {
		return nil, err
	}
	r.Auth = auth
	key := "auth:" + ratelimit.User(&auth.Session)
	return &auth.Session, ratelimit.Allow(r.HTTP.Context(), h.Sessions, key, r.config.PerUser)
}

// authenticateWithUser is authenticateAndRenew and returns the user's record too.
func (h *Handler) authenticateWithUser(r *Request) (*session.Session, session.User, error) {
	s, err := h.authenticateAndRenew(r)
	if err != nil {
		return nil, session.User{}, err
	}
	user, err := h.Sessions.Profile(r.HTTP.Context(), s)
	return s, user, err
}

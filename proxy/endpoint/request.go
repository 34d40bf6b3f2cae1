package endpoint

import (
	"net/http"
	"net/netip"

	"wxgate/proxy/ratelimit"
	"wxgate/session"
)

// Request is one request, which package proxy has validated. Its ResponseWriter adds the
// headers of every response of the gateway.
type Request struct {
	http.ResponseWriter
	HTTP       *http.Request
	ID         string     // the request id
	Client     netip.Addr // the client's address; from X-Forwarded-For if the peer is a trusted proxy
	ClientText string     // Client as text

	// Authenticate returns the session of the request's token. cookie: accept a web
	// page's session cookie if there is no token. renew: add a new token to the response
	// if the current one expires soon. The error is the error of the response.
	Authenticate func(renew, cookie bool) (session.AuthResult, error)

	SameOrigin    func() bool             // the request is from a page of this origin, or is a navigation
	WebSession    func() *session.Session // the session of the browser's cookie; nil: none, or it has ended
	SetCookie     func(line string)       // adds a Set-Cookie line to the response
	AcceptsCookie func(path string) bool  // the path's route authenticates by cookie

	// Set by Serve, for the access log.
	Name string             // the endpoint's path without its leading slash; "": no endpoint there
	Auth session.AuthResult // the caller's session; zero: not authenticated

	config      *Config // the configuration when the request began
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

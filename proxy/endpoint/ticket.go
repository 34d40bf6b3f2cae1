package endpoint

import (
	"net/url"
	"time"

	"wxgate/apierror"
	"wxgate/internal/httprule"
	"wxgate/proxy/websession"
)

// Web configures sessions for web pages. The zero value: there are none.
type Web struct {
	Cookie websession.Cookie
	MaxAge time.Duration // the Max-Age of the cookie
}

func (w Web) enabled() bool { return w.Cookie.Name != "" }

// ticketResponse is the response of POST {prefix}/ticket. ExpiresIn is in seconds.
type ticketResponse struct {
	Ticket    string `json:"ticket"`
	Path      string `json:"path"` // to be opened on this origin
	ExpiresIn int64  `json:"expires_in"`
}

// issueTicket serves POST {prefix}/ticket: a ticket that opens a web page's session at
// next, a path of this origin whose route authenticates by cookie.
func (h *Handler) issueTicket(r *Request) error {
	s, err := h.authenticate(r)
	if err != nil {
		return err
	}
	var req struct {
		Next string `json:"next"`
	}
	if err := readJSON(r, &req); err != nil {
		return err
	}
	location, ok := validNext(r, req.Next)
	if !ok {
		return apierror.New(apierror.BadRequest, "next must be a path on this origin, of a route that accepts cookies, 1024 bytes at most")
	}
	ticket, err := h.Sessions.IssueTicket(r.HTTP.Context(), s, location)
	if err != nil {
		return err
	}
	text := ticket.Value.Reveal()
	return writeJSON(r, ticketResponse{text, r.config.Prefix + "/enter?ticket=" + text, seconds(ticket.ExpiresIn)})
}

// validNext returns next in the form for a Location header, and whether it is valid.
func validNext(r *Request, next string) (string, bool) {
	target, location, err := websession.ParseNext(next)
	if err != nil || !httprule.ValidTarget(target) {
		return "", false
	}
	u, err := url.ParseRequestURI(target)
	return location, err == nil && r.AcceptsCookie(u.Path)
}

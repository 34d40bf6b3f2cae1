package endpoint

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/internal/httprule"
	"wxgate/proxy/websession"
	"wxgate/session"
)

// Web says how web pages get their sessions. The zero value: they don't.
type Web struct {
	Cookie websession.Cookie
	MaxAge time.Duration
}

func (w Web) on() bool { return w.Cookie.Name != "" }

// webEndpoints adds ticket and enter.
func (h *Handler) webEndpoints(prefix string, table map[string][]endpoint) {
	table[prefix+"/ticket"] = []endpoint{{method: http.MethodPost, serve: h.issueTicket}}
	table[prefix+"/enter"] = []endpoint{
		{method: http.MethodGet, serve: h.enter},
		{method: http.MethodPost, serve: h.confirmEnter},
	}
}

// ticketResponse is the answer of POST {prefix}/ticket.
type ticketResponse struct {
	Ticket    string `json:"ticket"`
	Path      string `json:"path"` // to be opened on this origin
	ExpiresIn int64  `json:"expires_in"`
}

// issueTicket answers POST {prefix}/ticket: a ticket that opens a web page's
// session and leads to next, a path of this origin whose route takes cookies.
func (h *Handler) issueTicket(r *Request) error {
	s, err := h.caller(r)
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
		return apierror.New(apierror.BadRequest, "next must be a path on this origin, of a route that takes cookies, 1024 bytes at most")
	}
	ticket, err := h.Sessions.IssueTicket(r.HTTP.Context(), s, location)
	if err != nil {
		return err
	}
	text := ticket.Value.Reveal()
	return writeJSON(r, ticketResponse{text, r.config.Prefix + "/enter?ticket=" + text, seconds(ticket.ExpiresIn)})
}

// validNext gives the address as a Location header carries it.
func validNext(r *Request, next string) (string, bool) {
	target, location, err := websession.SplitNext(next)
	if err != nil || !httprule.ValidTarget(target) {
		return "", false
	}
	u, err := url.ParseRequestURI(target)
	return location, err == nil && r.AcceptsCookie(u.Path)
}

// enter answers GET {prefix}/enter?ticket=…: 303 to the ticket's address, with
// the cookie. Everything else is a page for a person.
func (h *Handler) enter(r *Request) error {
	hr := r.HTTP
	r.Header()["Cache-Control"] = []string{"private, no-store"}
	if hr.Method == http.MethodHead || websession.IsPrefetch(hr.Header) {
		e := apierror.New(apierror.PrefetchDeclined, "the ticket is used by the click itself")
		e.RetryAfter = time.Second
		return e
	}
	tickets := hr.URL.Query()["ticket"]
	if len(tickets) != 1 || !isOwnNavigation(hr.Header) {
		return h.refuseTicket(r, session.ErrTicket)
	}
	t, err := h.Sessions.ReadTicket(hr.Context(), tickets[0])
	if err != nil {
		return h.refuseTicket(r, err)
	}
	current := r.WebSession()
	if current != nil && !sameUser(current, t.Session) {
		return h.writeSwitchPage(r, tickets[0], current, t.Session)
	}
	return h.open(r, t, current)
}

// isOwnNavigation: where the browser says what it is doing, it must be a
// navigation that no other site's page began. A link from elsewhere would log
// a person in as somebody else.
func isOwnNavigation(h http.Header) bool {
	for name, allowed := range map[string]string{"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none same-origin"} {
		values := h[name]
		if len(values) > 1 || len(values) == 1 && !strings.Contains(" "+allowed+" ", " "+values[0]+" ") {
			return false
		}
	}
	return true
}

func sameUser(a, b *session.Session) bool { return a.AppID == b.AppID && a.OpenID == b.OpenID }

// confirmEnter answers POST {prefix}/enter, the form of the page that asks
// whether another user's session is to end.
func (h *Handler) confirmEnter(r *Request) error {
	if !r.SameOrigin() {
		return apierror.New(apierror.CrossOrigin, "this form is not ours")
	}
	body, err := io.ReadAll(r.HTTP.Body)
	if err != nil {
		return err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form["ticket"]) != 1 {
		return h.refuseTicket(r, session.ErrTicket)
	}
	t, err := h.Sessions.ReadTicket(r.HTTP.Context(), form.Get("ticket"))
	if err != nil {
		return h.refuseTicket(r, err)
	}
	return h.open(r, t, r.WebSession())
}

// open uses the ticket up. The session that the browser has goes on where it is
// of the same parent; any other one ends.
func (h *Handler) open(r *Request, t *session.OpenTicket, current *session.Session) error {
	ctx, kept := context.WithoutCancel(r.HTTP.Context()), current
	if current != nil && current.Web.ParentID != t.Session.ID {
		kept = nil
	}
	cookie, page, err := h.Sessions.RedeemTicket(ctx, t, r.ClientText+"\n"+r.HTTP.UserAgent(), kept)
	if err != nil {
		return h.refuseTicket(r, err)
	}
	if kept == nil {
		web := r.config.Web
		r.SetCookie(web.Cookie.Set(cookie.Reveal(), min(web.MaxAge, h.Sessions.Remaining(page))))
	}
	if current != nil && kept == nil && current.ID != page.ID {
		if _, err := h.Sessions.End(ctx, current.ID, session.CauseReplaced); err != nil {
			h.Log.Warn("a page's earlier session could not be ended", zap.Error(err), zap.String("request_id", r.ID))
		}
	}
	header := r.Header()
	header["Location"] = []string{t.Next}
	header["Referrer-Policy"] = []string{"no-referrer"}
	header["Cache-Control"] = []string{"private, no-store"}
	r.WriteHeader(http.StatusSeeOther)
	return nil
}

// refuseTicket shows a page and gives the error for the log. Failed tickets count
// against the address's limit of logins.
func (h *Handler) refuseTicket(r *Request, err error) error {
	if !errors.Is(err, session.ErrTicket) {
		e := apierror.From(err)
		r.writePage(websession.Unavailable(r.ID), e)
		return e
	}
	if err := h.countAgainstLoginLimit(r); err != nil {
		return err
	}
	e := apierror.New(apierror.InvalidTicket, "the ticket is not valid, or no longer")
	r.writePage(websession.InvalidTicket(r.ID), e)
	return e
}

// writePage answers a person with a page that stands for the error.
func (r *Request) writePage(p websession.Page, e *apierror.Error) {
	e.SetHeaders(r.Header())
	p.Write(r, e.Code.Status())
}

// writeSwitchPage shows who is logged in in this browser and who would be.
func (h *Handler) writeSwitchPage(r *Request, ticket string, current, next *session.Session) error {
	websession.Ask(r.ID, websession.Confirm{
		Action: r.config.Prefix + "/enter", Ticket: ticket, Current: h.displayName(r, current), New: h.displayName(r, next),
	}).Write(r, http.StatusOK)
	return nil
}

// displayName is how a person knows a user: by the nickname, else by the end of
// his openid.
func (h *Handler) displayName(r *Request, s *session.Session) string {
	if user, err := h.Sessions.Profile(r.HTTP.Context(), s); err == nil && user.Profile.Nickname != "" {
		return user.Profile.Nickname
	}
	return "…" + s.OpenID[max(0, len(s.OpenID)-6):]
}

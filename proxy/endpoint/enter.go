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
	"wxgate/proxy/websession"
	"wxgate/session"
)

// enter serves GET {prefix}/enter?ticket=…: it redirects (303) to the ticket's next and
// sets the cookie. Other responses are pages for a person.
func (h *Handler) enter(r *Request) error {
	hr := r.HTTP
	r.Header()["Cache-Control"] = []string{"private, no-store"}
	if hr.Method == http.MethodHead || websession.IsPrefetch(hr.Header) {
		e := apierror.New(apierror.PrefetchDeclined, "the ticket is used by the click itself")
		e.RetryAfter = time.Second
		return e
	}
	tickets := hr.URL.Query()["ticket"]
	if len(tickets) != 1 || !allowedNavigation(hr.Header) {
		return h.refuseTicket(r, session.ErrTicket)
	}
	t, err := h.Sessions.ReadTicket(hr.Context(), tickets[0])
	if err != nil {
		return h.refuseTicket(r, err)
	}
	current := r.WebSession()
	if current != nil && !sameUser(current, t.Session) {
		h.writeSwitchPage(r, tickets[0], current, t.Session)
		return nil
	}
	return h.redeemTicket(r, t, current)
}

// allowedNavigation reports whether the Sec-Fetch headers, if the browser sends them,
// are those of a navigation that no other site's page started. A link on another site
// could log a person in as somebody else.
func allowedNavigation(h http.Header) bool {
	for name, allowed := range map[string]string{"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none same-origin"} {
		values := h[name]
		if len(values) > 1 || len(values) == 1 && !strings.Contains(" "+allowed+" ", " "+values[0]+" ") {
			return false
		}
	}
	return true
}

func sameUser(a, b *session.Session) bool { return a.AppID == b.AppID && a.OpenID == b.OpenID }

// confirmEnter serves POST {prefix}/enter, the form in which a person confirms that
// another user's session in this browser ends.
func (h *Handler) confirmEnter(r *Request) error {
	if !r.SameOrigin() {
		return apierror.New(apierror.CrossOrigin, "the form was not sent by a page of this origin")
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
	return h.redeemTicket(r, t, r.WebSession())
}

// redeemTicket uses the ticket up and redirects. The browser's current session is kept if
// the ticket is of the same parent session; else it ends.
func (h *Handler) redeemTicket(r *Request, t *session.OpenTicket, current *session.Session) error {
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
			h.Log.Warn("the previous web session could not be ended", zap.Error(err), zap.String("request_id", r.ID))
		}
	}
	header := r.Header()
	header["Location"] = []string{t.Next}
	header["Referrer-Policy"] = []string{"no-referrer"}
	header["Cache-Control"] = []string{"private, no-store"}
	r.WriteHeader(http.StatusSeeOther)
	return nil
}

// refuseTicket responds with a page and returns the error for the log. Invalid tickets
// count against the address's login limit.
func (h *Handler) refuseTicket(r *Request, err error) error {
	if !errors.Is(err, session.ErrTicket) {
		e := apierror.From(err)
		r.writePage(websession.Unavailable(r.ID), e)
		return e
	}
	if err := h.checkLoginLimit(r); err != nil {
		return err
	}
	e := apierror.New(apierror.InvalidTicket, "the ticket is not valid, or no longer")
	r.writePage(websession.InvalidTicket(r.ID), e)
	return e
}

// writePage responds with a page for a person, and the error's status and headers.
func (r *Request) writePage(p websession.Page, e *apierror.Error) {
	e.SetHeaders(r.Header())
	p.Write(r, e.Code.Status())
}

// writeSwitchPage asks the person to confirm: it names the user who is logged in in this
// browser and the ticket's.
func (h *Handler) writeSwitchPage(r *Request, ticket string, current, next *session.Session) {
	websession.SwitchAccount(r.ID, websession.Confirm{
		Action: r.config.Prefix + "/enter", Ticket: ticket, Current: h.displayName(r, current), New: h.displayName(r, next),
	}).Write(r, http.StatusOK)
}

// displayName returns the user's name for a page: the nickname, else the last six
// characters of the openid.
func (h *Handler) displayName(r *Request, s *session.Session) string {
	if user, err := h.Sessions.Profile(r.HTTP.Context(), s); err == nil && user.Profile.Nickname != "" {
		return user.Profile.Nickname
	}
	return "…" + s.OpenID[max(0, len(s.OpenID)-6):]
}

package proxy

import (
	"errors"
	"time"

	"wxgate/apierror"
	"wxgate/internal/httprule"
	"wxgate/proxy/websession"
	"wxgate/session"
)

// Web configures the sessions of web pages. In the zero value they are off.
type Web struct {
	Cookie websession.Cookie
	MaxAge time.Duration // the Max-Age of the cookie, and the idle timeout of a web session

	// Origins are further origins whose pages may send the cookie.
	Origins []httprule.Origin
}

func (w Web) enabled() bool { return w.Cookie.Name != "" }

// usesCookie reports whether the request is authenticated by its cookie: it has the
// cookie, and no Authorization header. An invalid token beside a valid cookie is a 401.
func (rs *requestState) usesCookie() bool {
	if !rs.config.Web.enabled() || len(rs.r.Header["Authorization"]) > 0 {
		return false
	}
	_, ok := rs.config.Web.Cookie.Read(rs.r.Header["Cookie"])
	return ok
}

// authenticateByCookie sets the session of the request's cookie, for requests from pages
// of an allowed origin only: a browser sends the cookie with requests from every page.
func (g *Gateway) authenticateByCookie(rs *requestState) error {
	web := &rs.config.Web
	cookie, _ := web.Cookie.Read(rs.r.Header["Cookie"])
	auth, err := g.Sessions.AuthenticateCookie(rs.r.Context(), cookie)
	if isPermanentlyInvalid(err) {
		rs.setWebCookie = web.Cookie.Clear()
		return apierror.New(apierror.SessionEnded, "the session of this page has ended, open it again in the mini program").WithCause(err)
	}
	if err != nil {
		return err
	}
	if !rs.sameOrigin() {
		return apierror.New(apierror.CrossOrigin, "pages of this origin may not use the session")
	}
	rs.auth, rs.authenticated = auth, true
	if g.sentCookies.renewalDue(auth.Session.ID, g.Now(), web.MaxAge) {
		rs.setWebCookie = web.Cookie.Set(cookie, min(web.MaxAge, g.Sessions.Remaining(&auth.Session)))
	}
	return nil
}

// isPermanentlyInvalid reports whether the error means that the cookie can never be valid
// again, so that the browser should delete it.
func isPermanentlyInvalid(err error) bool {
	return errors.Is(err, session.ErrSessionEnded) || errors.Is(err, session.ErrTokenInvalid) || errors.Is(err, session.ErrTokenExpired)
}

// sameOrigin reports whether a page of the gateway's own or a configured origin sent the
// request.
func (rs *requestState) sameOrigin() bool {
	origins := websession.Origins{Public: rs.config.PublicOrigins, Additional: rs.config.Web.Origins}
	return origins.Allows(websession.Request{
		Method: rs.r.Method, WebSocket: rs.isWebSocket(), Header: rs.r.Header, Scheme: rs.scheme(), Host: rs.publicHost(),
	})
}

// showErrorPage responds to a navigation without a valid session with an HTML page, on
// routes that accept the cookie. A script gets the JSON error. It returns err.
func (rs *requestState) showErrorPage(err error) error {
	if err == nil || !rs.route.AcceptCookie || !rs.config.Web.enabled() || !websession.IsNavigation(rs.r) {
		return err
	}
	e := apierror.From(err)
	if e.Code != apierror.SessionEnded && e.Code != apierror.TokenMissing {
		return err
	}
	e.SetHeaders(rs.Header())
	websession.SessionEnded(rs.id).Write(rs, e.Code.Status())
	return err
}

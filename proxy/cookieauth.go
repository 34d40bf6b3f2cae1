package proxy

import (
	"errors"
	"time"

	"github.com/maypok86/otter/v2"

	"wxgate/apierror"
	"wxgate/internal/httprule"
	"wxgate/proxy/websession"
	"wxgate/session"
)

// Web says how web pages are served. The zero value: there are no sessions of
// web pages.
type Web struct {
	Cookie websession.Cookie
	MaxAge time.Duration // how long a browser keeps the cookie, and an unused session lives

	// Origins whose pages are treated like the gateway's own.
	Origins []httprule.Origin
}

func (w Web) on() bool { return w.Cookie.Name != "" }

// cookieOffered reports whether the request is to be judged by its cookie: it has
// one, and no token. A Bearer token wins, whatever it is worth.
func (rc *requestContext) cookieOffered() bool {
	if !rc.config.Web.on() || len(rc.r.Header["Authorization"]) > 0 {
		return false
	}
	_, ok := rc.config.Web.Cookie.Read(rc.r.Header["Cookie"])
	return ok
}

// identifyByCookie finds the session of the request's cookie, for a page of ours
// only: browsers send the cookie along whoever's page asks.
func (g *Gateway) identifyByCookie(rc *requestContext) error {
	web := &rc.config.Web
	cookie, _ := web.Cookie.Read(rc.r.Header["Cookie"])
	auth, err := g.Sessions.AuthenticateCookie(rc.r.Context(), cookie)
	if deadCookie(err) {
		rc.setWebCookie = web.Cookie.Clear()
		return apierror.New(apierror.SessionEnded, "the page's session has ended, open it again in the mini program").WithCause(err)
	}
	if err != nil {
		return err
	}
	if !rc.fromOurPage() {
		return apierror.New(apierror.CrossOrigin, "this page may not use the session of another")
	}
	rc.auth, rc.authenticated = auth, true
	if g.cookies.due(auth.Session.ID, g.Now(), web.MaxAge) {
		rc.setWebCookie = web.Cookie.Set(cookie, min(web.MaxAge, g.Sessions.Remaining(&auth.Session)))
	}
	return nil
}

// deadCookie: whatever is wrong with it, the browser need not send it again.
func deadCookie(err error) bool {
	return errors.Is(err, session.ErrSessionEnded) || errors.Is(err, session.ErrTokenInvalid) || errors.Is(err, session.ErrTokenExpired)
}

// fromOurPage asks whose page made the request.
func (rc *requestContext) fromOurPage() bool {
	origins := websession.Origins{Public: rc.config.PublicOrigins, Further: rc.config.Web.Origins}
	return origins.Allows(websession.Request{
		Method: rc.r.Method, WebSocket: rc.isWebSocket(), Header: rc.r.Header, Scheme: rc.scheme(), Host: rc.publicHost(),
	})
}

// failNavigation answers a person who navigates to a route of pages with a page,
// where the cookie is no longer good or was cleared before; a script gets the error
// as it is.
func (rc *requestContext) failNavigation(err error) error {
	if err == nil || !rc.route.AcceptCookie || !rc.config.Web.on() || !websession.IsNavigation(rc.r) {
		return err
	}
	e := apierror.From(err)
	if e.Code != apierror.SessionEnded && e.Code != apierror.TokenMissing {
		return err
	}
	e.SetHeaders(rc.Header())
	websession.SessionEnded(rc.id).Write(rc, e.Code.Status())
	return err
}

// maxSentCookies bounds what is remembered of the cookies that were sent.
const maxSentCookies = 20_000

// sentCookies are the pages' sessions whose cookie was sent through this instance:
// each is sent again when an eighth of its time in the browser has passed, so
// that a page that is used stays logged in.
type sentCookies struct {
	at *otter.Cache[string, time.Time]
}

func newSentCookies() sentCookies {
	return sentCookies{otter.Must(&otter.Options[string, time.Time]{MaximumSize: maxSentCookies})}
}

func (c sentCookies) due(sid string, now time.Time, maxAge time.Duration) bool {
	if at, ok := c.at.GetIfPresent(sid); ok && now.Sub(at) < maxAge/8 {
		return false
	}
	c.at.Set(sid, now)
	return true
}

package proxy

import (
	"io"
	"net/http"

	"wxgate/apierror"
	"wxgate/proxy/endpoint"
	"wxgate/session"
)

// serveEndpoint serves the gateway's own endpoints. Their CORS origins are those of all
// routes.
func (g *Gateway) serveEndpoint(rc *requestContext) error {
	if !rc.ownEndpoint {
		return nil
	}
	if err := rc.setCORS(rc.config.origins, endpoint.Methods); err != nil || rc.done {
		return err
	}
	limit := g.endpoints.MaxBody(rc.r.URL.Path)
	if rc.r.ContentLength > limit {
		return bodyTooLarge()
	}
	body := new(requestBody)
	body.start(rc, limit, endpointBodyLimits(), nil)
	defer body.detach()
	rc.r.Body = endpointBody{body}
	call := &endpoint.Request{
		ResponseWriter: rc, HTTP: rc.r, ID: rc.id, Client: rc.client, ClientText: rc.clientText,
		Authenticate:  func(renew, cookie bool) (session.AuthResult, error) { return g.authenticateCaller(rc, renew, cookie) },
		SameOrigin:    rc.sameOrigin,
		WebSession:    func() *session.Session { return g.webSession(rc) },
		SetCookie:     func(line string) { rc.setWebCookie = line },
		AcceptsCookie: func(path string) bool { return rc.routeAcceptsCookie(g, path) },
	}
	err := g.endpoints.Serve(call)
	rc.done = true
	if call.Name != "" {
		rc.routeName = call.Name
	}
	if call.Auth.Session.ID != "" {
		rc.auth, rc.authenticated = call.Auth, true
	}
	return err
}

// authenticateCaller authenticates a request to one of the gateway's own endpoints. renew:
// renew a token that is about to expire; cookie: accept the web session's cookie.
func (g *Gateway) authenticateCaller(rc *requestContext, renew, cookie bool) (session.AuthResult, error) {
	if cookie && rc.usesCookie() {
		err := g.authenticateByCookie(rc)
		return rc.auth, err
	}
	err := g.authenticateByToken(rc)
	if err == nil && renew {
		err = g.renewToken(rc)
	}
	return rc.auth, err
}

// webSession returns the session of the request's cookie, or nil. It does not authenticate
// the request: it does not check which page sent it.
func (g *Gateway) webSession(rc *requestContext) *session.Session {
	if !rc.config.Web.enabled() {
		return nil
	}
	cookie, ok := rc.config.Web.Cookie.Read(rc.r.Header["Cookie"])
	if !ok {
		return nil
	}
	auth, err := g.Sessions.AuthenticateCookie(rc.r.Context(), cookie)
	if err != nil {
		return nil
	}
	return &auth.Session
}

// routeAcceptsCookie reports whether a GET of the path matches a route that accepts the
// web session's cookie.
func (rc *requestContext) routeAcceptsCookie(g *Gateway, path string) bool {
	if g.endpoints.Owns(path) || rc.config.table.ambiguousRoute(rc.host, path) {
		return false
	}
	m := rc.config.table.Match(rc.host, path, func(rt *Route) bool { return rt.AcceptsMethod(http.MethodGet) })
	return m.Route != nil && m.Route.AcceptCookie
}

// endpointBody maps the errors of reading a client's body to the gateway's errors.
type endpointBody struct{ io.ReadCloser }

func (b endpointBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		return n, bodyError(err)
	}
	return n, err
}

func bodyTooLarge() *apierror.Error {
	return withConnectionClose(apierror.New(apierror.BodyTooLarge, "the request body is too large"))
}

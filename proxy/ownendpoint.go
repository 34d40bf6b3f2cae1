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
func (g *Gateway) serveEndpoint(rs *requestState) error {
	if !rs.ownEndpoint {
		return nil
	}
	if err := rs.setCORS(rs.config.origins, endpoint.Methods); err != nil || rs.responded {
		return err
	}
	limit := g.endpoints.MaxBody(rs.r.URL.Path)
	if rs.r.ContentLength > limit {
		return bodyTooLarge()
	}
	body := new(requestBody)
	body.start(rs, limit, endpointBodyLimits(), nil)
	defer body.stop()
	rs.r.Body = endpointBody{body}
	req := &endpoint.Request{
		ResponseWriter: rs, HTTP: rs.r, ID: rs.id, Client: rs.client, ClientText: rs.clientText,
		Authenticate:  func(renew, cookie bool) (session.AuthResult, error) { return g.authenticateCaller(rs, renew, cookie) },
		SameOrigin:    rs.sameOrigin,
		WebSession:    func() *session.Session { return g.webSession(rs) },
		SetCookie:     func(line string) { rs.setWebCookie = line },
		AcceptsCookie: func(path string) bool { return rs.routeAcceptsCookie(g, path) },
	}
	err := g.endpoints.Serve(req)
	rs.responded = true
	if req.Name != "" {
		rs.routeName = req.Name
	}
	if req.Auth.Session.ID != "" {
		rs.auth, rs.authenticated = req.Auth, true
	}
	return err
}

// authenticateCaller authenticates a request to one of the gateway's own endpoints. renew:
// renew a token that is about to expire; cookie: accept the web session's cookie.
func (g *Gateway) authenticateCaller(rs *requestState, renew, cookie bool) (session.AuthResult, error) {
	if cookie && rs.usesCookie() {
		err := g.authenticateByCookie(rs)
		return rs.auth, err
	}
	err := g.authenticateByToken(rs)
	if err == nil && renew {
		err = g.renewToken(rs)
	}
	return rs.auth, err
}

// webSession returns the session of the request's cookie, or nil. It does not authenticate
// the request: it does not check which page sent it.
func (g *Gateway) webSession(rs *requestState) *session.Session {
	if !rs.config.Web.enabled() {
		return nil
	}
	cookie, ok := rs.config.Web.Cookie.Read(rs.r.Header["Cookie"])
	if !ok {
		return nil
	}
	auth, err := g.Sessions.AuthenticateCookie(rs.r.Context(), cookie)
	if err != nil {
		return nil
	}
	return &auth.Session
}

// routeAcceptsCookie reports whether a GET of the path matches a route that accepts the
// web session's cookie.
func (rs *requestState) routeAcceptsCookie(g *Gateway, path string) bool {
	if g.endpoints.Owns(path) || rs.config.table.ambiguousRoute(rs.host, path) {
		return false
	}
	m := rs.config.table.Match(rs.host, path, func(rt *Route) bool { return rt.AcceptsMethod(http.MethodGet) })
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

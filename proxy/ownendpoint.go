package proxy

import (
	"io"
	"net/http"

	"wxgate/apierror"
	"wxgate/proxy/endpoint"
	"wxgate/session"
)

// serveEndpoint answers at the gateway's own endpoints. Browsers of every
// origin that some route allows may call them.
func (g *Gateway) serveEndpoint(rc *requestContext) error {
	if !rc.ownEndpoint {
		return nil
	}
	if err := rc.setCORS(rc.config.origins, endpoint.Methods); err != nil || rc.done {
		return err
	}
	most := g.endpoints.MaxBody(rc.r.URL.Path)
	if rc.r.ContentLength > most {
		return bodyTooLarge()
	}
	body := new(requestBody)
	body.begin(rc, most, endpointBodyLimits(), nil)
	defer body.detach()
	rc.r.Body = endpointBody{body}
	call := &endpoint.Request{
		ResponseWriter: rc, HTTP: rc.r, ID: rc.id, Client: rc.client, ClientText: rc.clientText,
		Authenticate:  func(renew, cookie bool) (session.AuthResult, error) { return g.authenticateCaller(rc, renew, cookie) },
		SameOrigin:    rc.fromOurPage,
		WebSession:    func() *session.Session { return g.pageOf(rc) },
		SetCookie:     func(line string) { rc.setWebCookie = line },
		AcceptsCookie: func(path string) bool { return rc.takesCookie(g, path) },
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

func (g *Gateway) authenticateCaller(rc *requestContext, renew, cookie bool) (session.AuthResult, error) {
	if cookie && rc.cookieOffered() {
		err := g.identifyByCookie(rc)
		return rc.auth, err
	}
	err := g.identify(rc)
	if err == nil && renew {
		err = g.renewToken(rc)
	}
	return rc.auth, err
}

// pageOf gives the live session of the browser that sent the request, nil where
// there is none. It is no authentication: whose page asked isn't looked at.
func (g *Gateway) pageOf(rc *requestContext) *session.Session {
	if !rc.config.Web.on() {
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

// takesCookie reports whether a GET of the path goes to a route that takes a
// page's cookie.
func (rc *requestContext) takesCookie(g *Gateway, path string) bool {
	if g.endpoints.Owns(path) || rc.config.table.ambiguousRoute(rc.host, path) {
		return false
	}
	m := rc.config.table.Match(rc.host, path, func(rt *Route) bool { return rt.Takes(http.MethodGet) })
	return m.Route != nil && m.Route.AcceptCookie
}

// endpointBody gives the errors of a client's body as they are to be answered.
type endpointBody struct{ io.ReadCloser }

func (b endpointBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		return n, bodyError(err)
	}
	return n, err
}

func bodyTooLarge() *apierror.Error {
	return closing(apierror.New(apierror.BodyTooLarge, "the request body is too large"))
}

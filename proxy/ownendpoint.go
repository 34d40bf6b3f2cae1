package proxy

import (
	"io"

	"wxgate/apierror"
	"wxgate/proxy/endpoint"
	"wxgate/session"
)

// serveEndpoint answers at the gateway's own endpoints. Browsers of every
// origin that some route allows may call them.
func (g *Gateway) serveEndpoint(rc *requestContext) error {
	if !rc.own {
		return nil
	}
	if err := rc.setCORS(rc.state.origins, endpoint.Methods); err != nil || rc.done {
		return err
	}
	most := g.endpoints.MaxBody(rc.r.URL.Path)
	if rc.r.ContentLength > most {
		return bodyTooLarge()
	}
	body := newRequestBody(rc, most, endpointBodyLimits(), nil)
	defer body.detach()
	rc.r.Body = endpointBody{body}
	call := &endpoint.Request{
		ResponseWriter: rc, HTTP: rc.r, ID: rc.id, Client: rc.client, ClientText: rc.clientText,
		Authenticate: func(renew bool) (session.AuthResult, error) { return g.authenticateCaller(rc, renew) },
	}
	err := g.endpoints.Serve(call)
	rc.done = true
	if call.Name != "" {
		rc.routeName = call.Name
	}
	if call.Grant.Session != nil {
		rc.grant, rc.authenticated = call.Grant, true
	}
	return err
}

func (g *Gateway) authenticateCaller(rc *requestContext, renew bool) (session.AuthResult, error) {
	err := g.identify(rc)
	if err == nil && renew {
		err = g.renewToken(rc)
	}
	return rc.grant, err
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

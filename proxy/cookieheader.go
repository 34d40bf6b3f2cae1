package proxy

import "context"

// setCookieHeader sets the Cookie header of the outbound request by the route's cookie mode:
// the client's, none, or the one from the session's cookie jar.
func (g *Gateway) setCookieHeader(ctx context.Context, h *outboundHeader, rs *requestState) error {
	switch rs.route.Cookies {
	case CookiesPass:
		rs.stripWebCookie(h)
		return nil
	case CookiesDrop:
		h.Delete("Cookie")
		return nil
	}
	h.Delete("Cookie")
	s := rs.session()
	if s == nil {
		return nil
	}
	stored, err := g.Sessions.Jar(ctx, s, rs.route.CookieJarID)
	if err != nil {
		return err
	}
	if line := cookieLine(readJar(stored), rs.backendPath(), g.Now()); line != "" {
		h.Set("Cookie", line)
	}
	return nil
}

// backendPath is the escaped path of the outbound request.
func (rs *requestState) backendPath() string {
	target := rs.route.backendURL(rs.r.URL)
	return target.EscapedPath()
}

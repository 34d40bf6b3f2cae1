package proxy

import (
	"net/http"
	"strings"

	"wxgate/apierror"
	"wxgate/internal/httprule"
)

// route decides whether one of the gateway's own endpoints or a route serves the request,
// and applies a method override.
func (g *Gateway) route(rs *requestState) error {
	r, t := rs.r, rs.config.table
	if g.endpoints.Owns(r.URL.Path) {
		rs.ownEndpoint = true
		return nil
	}
	if t.ambiguousRoute(rs.host, r.URL.Path) {
		return malformedPath()
	}
	override := r.Header.Get("X-Http-Method-Override")
	if r.Method == http.MethodPost && override != "" {
		return rs.routeByOverride(t, override)
	}
	return rs.setRoute(t.Match(rs.host, r.URL.Path, func(rt *Route) bool {
		return rt.AcceptsMethod(r.Method) || rt.servesPreflight(r)
	}))
}

// routeByOverride looks the route up by the method of X-HTTP-Method-Override, if the
// route allows that: wx.request has no PATCH.
func (rs *requestState) routeByOverride(t *RouteTable, override string) error {
	path := rs.r.URL.Path
	if m := t.Match(rs.host, path, anyMethod); m.Route == nil || !m.Route.MethodOverride {
		return rs.setRoute(t.Match(rs.host, path, func(rt *Route) bool { return rt.AcceptsMethod(http.MethodPost) }))
	}
	override = strings.ToUpper(override)
	if !httprule.ValidOverrideMethod(override) {
		return apierror.New(apierror.BadRequest, "X-HTTP-Method-Override may be PATCH, PUT or DELETE")
	}
	rs.r.Method = override
	return rs.setRoute(t.Match(rs.host, path, func(rt *Route) bool { return rt.MethodOverride && rt.AcceptsMethod(override) }))
}

// setRoute sets the route that was found, or returns the error for none.
func (rs *requestState) setRoute(m Match) error {
	if m.Route != nil {
		rs.route, rs.routeName = m.Route, m.Route.Name
		return nil
	}
	if m.Allowed != "" {
		e := apierror.New(apierror.MethodNotAllowed, "this method is not served here")
		e.Allow = m.Allowed
		return e
	}
	return apierror.New(apierror.NoRoute, "no route matches this path")
}

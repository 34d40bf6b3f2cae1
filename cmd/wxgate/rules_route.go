package main

import (
	"crypto/x509"
	"net/url"
	"slices"
	"strings"
)

func (r *rules) checkRoutes() {
	nonEmpty(r, "routes", r.Routes)
	for i := range r.Routes {
		route := &r.Routes[i]
		route.Host = strings.ToLower(route.Host)
		r.checkRoute(at("routes", i), route)
	}
	r.checkApart()
	r.nameRoutes()
}

func (r *rules) checkRoute(key string, route *Route) {
	r.checkRoutePath(key+".path", route.Path)
	r.checkRouteHost(key+".host", route.Host)
	r.checkMethods(key+".methods", route.Methods)
	r.checkUpstreams(key+".upstreams", route.Upstreams)
	r.checkPrefixes(key, route)
	r.checkWho(key, route)
	if route.Health.Path != "" {
		r.checkHealthPath(key+".health.path", route.Health.Path)
	}
	r.checkRequestHeaders(key+".request_headers", route.RequestHeaders)
	r.checkResponseHeaders(key+".response_headers", route.ResponseHeaders, len(route.CORS.Origins) > 0)
	r.checkOrigins(key+".cors.origins", route.CORS.Origins)
	if !only(route.Name, isPrintable, "") || len(route.Name) > 128 {
		r.bad(key+".name", "%s is not a name of at most 128 printable characters", quoted(route.Name))
	}
}

func (r *rules) checkRoutePath(key, path string) {
	switch what := pathFault(path); {
	case strings.Contains(path, "*"):
		r.bad(key, "%s has a *: a path takes in everything below it as it is, /api/ means /api and /api/x", quoted(path))
	case what != "":
		r.bad(key, "%s %s", quoted(path), what)
	case below(path, r.AuthPrefix) && !r.known("auth_prefix"):
		r.bad(key, "%s lies in auth_prefix %s, which the gateway answers itself", quoted(path), quoted(r.AuthPrefix))
	case below(path, reserved):
		r.bad(key, "%s is answered by the gateway itself", quoted(path))
	}
}

func (r *rules) checkRouteHost(key, host string) {
	if host != "" && !isHostname(strings.TrimPrefix(host, "*.")) {
		r.bad(key, "%s is not a host such as shop.example.com or *.example.com (no port)", quoted(host))
	}
}

// knownMethods is what a route without methods takes. Others (WebDAV's, say)
// may be named; CONNECT and TRACE are never forwarded.
func knownMethods() []string {
	return []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
}

func (r *rules) checkMethods(key string, methods []string) {
	for i, method := range methods {
		switch {
		case method == "CONNECT" || method == "TRACE":
			r.bad(at(key, i), "%s is never forwarded", method)
		case !only(method, isCapital, "-") || method == "":
			r.bad(at(key, i), "%s is no method: they are written in capitals, such as %s", quoted(method), strings.Join(knownMethods(), ", "))
		}
	}
	distinct(r, key, methods)
}

func (r *rules) checkUpstreams(key string, upstreams []Upstream) {
	nonEmpty(r, key, upstreams)
	seen := map[string]string{}
	for i, u := range upstreams {
		key := at(key, i)
		r.checkUpstream(key, u)
		if u.URL.URL == nil {
			continue
		}
		if first := seen[u.URL.String()]; first != "" {
			r.bad(key, "is the same as %s: give that one a weight", first)
		}
		seen[u.URL.String()] = key
	}
}

func (r *rules) checkUpstream(key string, u Upstream) {
	urlKey := key
	if _, long := r.lines[key+".url"]; long {
		urlKey = key + ".url"
	}
	if !r.known(key + ".url") {
		r.checkURL(urlKey, u.URL, "http", "https", "h2c")
		r.checkBase(urlKey, u.URL)
	}
	r.checkUpstreamTLS(key, u)
}

func (r *rules) checkUpstreamTLS(key string, u Upstream) {
	options := []struct{ name, value string }{
		{"ca_file", string(u.CAFile)},
		{"cert_file", string(u.CertFile)},
		{"key_file", string(u.KeyFile)},
		{"server_name", u.ServerName},
	}
	for _, o := range options {
		if o.value != "" && u.URL.URL != nil && u.URL.Scheme != "https" {
			r.bad(key+"."+o.name, "is for https upstreams only")
		}
	}
	r.checkKeyPair(key, u.CertFile, u.KeyFile)
	if u.CAFile != "" {
		r.checkCA(key+".ca_file", string(u.CAFile))
	}
	if u.ServerName != "" && !isHost(u.ServerName) {
		r.bad(key+".server_name", "%s is not a host name", quoted(u.ServerName))
	}
}

func (r *rules) checkCA(key, file string) {
	pem, err := readRegular(file, maxFileSize)
	if err != nil {
		r.bad(key, "%v", err)
		return
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		r.bad(key, "the file %s holds no certificate in PEM", file)
	}
}

// checkPrefixes wants strip_prefix to be the route's path or what stands in front
// of it: anything else would strip nothing.
func (r *rules) checkPrefixes(key string, route *Route) {
	if route.StripPrefix != "" {
		r.checkPrefix(key+".strip_prefix", route.StripPrefix)
		if !below(route.Path, route.StripPrefix) {
			r.bad(key+".strip_prefix", "%s is not the beginning of the path %s", quoted(route.StripPrefix), quoted(route.Path))
		}
	}
	if route.AddPrefix != "" {
		r.checkPrefix(key+".add_prefix", route.AddPrefix)
	}
}

func (r *rules) checkPrefix(key, prefix string) {
	if what := pathFault(prefix); what != "" {
		r.bad(key, "%s %s", quoted(prefix), what)
	} else if prefix == "/" {
		r.bad(key, "/ changes nothing: leave it out")
	}
}

// checkWho holds together what only makes sense with a user.
func (r *rules) checkWho(key string, route *Route) {
	if route.Auth != "required" && (route.Require.Phone || len(route.Require.Roles) > 0) {
		r.bad(key+".require", "wants auth: required")
	}
	if route.Auth == "none" && route.Cookies == "jar" {
		r.bad(key+".cookies", "jar wants auth: required or optional: the jar belongs to a session")
	}
	if route.Auth == "none" && route.Balance == "hash_openid" {
		r.bad(key+".balance", "hash_openid wants auth: required or optional")
	}
	for i, role := range route.Require.Roles {
		if role == "" || len(role) > 128 || !only(role, isPrintable, "") {
			r.bad(at(key+".require.roles", i), "%s is not a name of 1 to 128 printable characters", quoted(role))
		}
	}
	distinct(r, key+".require.roles", route.Require.Roles)
	if len(route.Require.Roles) > 0 && r.Hooks.Login.URL.URL == nil {
		r.odd(key+".require.roles", "nobody has a role: they come from hooks.login, which is not set")
	}
}

func (r *rules) checkHealthPath(key, path string) {
	bare, query, _ := strings.Cut(path, "?")
	if what := pathFault(bare); what != "" {
		r.bad(key, "%s %s", quoted(path), what)
	} else if !only(query, isVisible, "") || strings.Contains(query, "#") {
		r.bad(key, "%s has no valid query", quoted(path))
	}
}

func (r *rules) checkOrigins(key string, origins []string) {
	for i, origin := range origins {
		if origin == "*" && len(origins) > 1 {
			r.bad(at(key, i), "* stands alone: it is every origin")
		} else if origin != "*" && !isOrigin(origin) {
			r.bad(at(key, i), "%s is not an origin such as https://shop.example.com, in small letters and without a path", quoted(origin))
		}
	}
	distinct(r, key, origins)
}

// isOrigin says whether text is an origin exactly as browsers send it.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return false
	}
	standardPort := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	return isHost(u.Hostname()) && isPort(u.Port()) && u.Port() != standardPort &&
		text == u.Scheme+"://"+u.Host && text == strings.ToLower(text) && !strings.HasSuffix(text, ":")
}

// checkApart refuses two routes of which no request could say which it means.
func (r *rules) checkApart() {
	type place struct{ host, path string }
	there := map[place][]int{}
	for i, route := range r.Routes {
		if route.Path == "" {
			continue
		}
		p := place{route.Host, strings.TrimSuffix(route.Path, "/")}
		for _, other := range there[p] {
			if overlap(route.Methods, r.Routes[other].Methods) {
				first := at("routes", other)
				r.bad(at("routes", i), "can't be told apart from %s on line %d: the same path, host and methods", first, r.line(first))
				break
			}
		}
		there[p] = append(there[p], i)
	}
}

func overlap(a, b []string) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	return slices.ContainsFunc(a, func(method string) bool { return slices.Contains(b, method) })
}

// nameRoutes names the routes that have no name: host + path, and the methods
// where they alone make the difference. Names are unique.
func (r *rules) nameRoutes() {
	plain := map[string]int{}
	for _, route := range r.Routes {
		plain[route.Host+route.Path]++
	}
	taken := map[string]string{}
	for i := range r.Routes {
		route, key := &r.Routes[i], at("routes", i)
		if route.Name == "" {
			route.Name = route.Host + route.Path
			if plain[route.Name] > 1 {
				route.Name += " " + methodList(route.Methods)
			}
		}
		if first := taken[route.Name]; first != "" && route.Path != "" {
			r.bad(key+".name", "%s is the name of %s too", quoted(route.Name), first)
		}
		taken[route.Name] = key
	}
}

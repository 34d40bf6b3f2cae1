package config

import (
	"strings"

	"wxgate/internal/httprule"
)

func (v *validator) checkUpstreams(key string, upstreams []Upstream) {
	nonEmpty(v, key, upstreams)
	seen := map[string]string{}
	for i, u := range upstreams {
		key := at(key, i)
		v.checkUpstream(key, u)
		if u.URL.URL == nil {
			continue
		}
		if first := seen[u.URL.String()]; first != "" {
			v.errorf(key, "is the same as %s: give that one a weight", first)
		}
		seen[u.URL.String()] = key
	}
}

// checkWebSocket refuses what is asked for in so many words: HTTP/2 without TLS
// carries no WebSocket. Where the key is left out, such a route takes none.
func (v *validator) checkWebSocket(key string, route *Route) {
	if _, written := v.lines[key]; !written || !route.WebSocket {
		return
	}
	for _, u := range route.Upstreams {
		if u.URL.URL != nil && u.URL.Scheme == "h2c" {
			v.errorf(key, "is true, but %s carries no WebSocket: use http:// or https://, or leave the key out", u.URL)
			return
		}
	}
}

func (v *validator) checkUpstream(key string, u Upstream) {
	urlKey := key
	if _, long := v.lines[key+".url"]; long {
		urlKey = key + ".url"
	}
	if !v.hasProblem(key + ".url") {
		v.checkURL(urlKey, u.URL.URL, "http", "https", "h2c")
		v.checkBase(urlKey, u.URL.URL)
	}
	v.checkUpstreamTLS(key, u)
}

func (v *validator) checkUpstreamTLS(key string, u Upstream) {
	options := []struct{ name, value string }{
		{"ca_file", string(u.CAFile)},
		{"cert_file", string(u.CertFile)},
		{"key_file", string(u.KeyFile)},
		{"server_name", u.ServerName},
	}
	for _, o := range options {
		if o.value != "" && u.URL.URL != nil && u.URL.Scheme != "https" {
			v.errorf(key+"."+o.name, "is for https upstreams only")
		}
	}
	v.checkKeyPair(key, u.CertFile, u.KeyFile)
	if u.CAFile != "" {
		v.checkCA(key+".ca_file", string(u.CAFile))
	}
	if u.ServerName != "" && !httprule.ValidAddressHost(u.ServerName) {
		v.errorf(key+".server_name", "%s is not a host name", Quote(u.ServerName))
	}
}

func (v *validator) checkHealthPath(key, path string) {
	bare, query, _ := strings.Cut(path, "?")
	if err := httprule.CheckConfigPath(bare); err != nil {
		v.errorf(key, "%s %v", Quote(path), err)
	} else if !only(query, isVisible, "") || strings.Contains(query, "#") {
		v.errorf(key, "%s has no valid query", Quote(path))
	}
}

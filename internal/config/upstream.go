package config

import "wxgate/internal/httprule"

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
			v.errorf(key, "is the same as %s: set a weight there", first)
		}
		seen[u.URL.String()] = key
	}
}

func (v *validator) checkUpstream(key string, u Upstream) {
	urlKey := key
	if _, isMapping := v.lines[key+".url"]; isMapping {
		urlKey = key + ".url"
	}
	if !v.hasProblem(key + ".url") {
		v.checkURL(urlKey, u.URL.URL, "http", "https", "h2c")
		v.checkBaseURL(urlKey, u.URL.URL)
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
		v.checkCAFile(key+".ca_file", string(u.CAFile))
	}
	if u.ServerName != "" && !httprule.ValidAddressHost(u.ServerName) {
		v.errorf(key+".server_name", "%s is not a host name", Quote(u.ServerName))
	}
}

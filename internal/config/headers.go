package config

import (
	"maps"
	"slices"
	"strings"
)

// fold gives the name under which a backend may know a header: CGI and its like
// read X-OpenID and X_OpenID as one.
func fold(name string) string {
	return strings.Map(func(c rune) rune {
		if !isAlphanumeric(c) {
			return '_'
		}
		return c
	}, strings.ToLower(name))
}

// isHeaderName: what the gateway lets pass, which is less than HTTP allows.
func isHeaderName(name string) bool {
	return name != "" && len(name) <= 128 && only(name, isAlphanumeric, "-")
}

// ownedRequestHeader says why a header of requests is the gateway's (or the
// connection's) own, so that no rule may touch it; empty: it isn't.
func ownedRequestHeader(folded string) string {
	switch folded {
	case "connection", "keep_alive", "proxy_connection", "proxy_authenticate", "proxy_authorization",
		"te", "trailer", "transfer_encoding", "upgrade", "expect", "content_length":
		return "belongs to the connection"
	case "host":
		return "is kept by preserve_host"
	case "cookie":
		return "is ruled by cookies"
	case "x_request_id", "x_real_ip", "forwarded", "x_original_url", "x_rewrite_url", "x_http_method_override":
		return "is the gateway's own"
	}
	for _, prefix := range []string{"x_forwarded_", "x_original_", "x_wx_", "sec_websocket_"} {
		if strings.HasPrefix(folded, prefix) {
			return "is the gateway's own"
		}
	}
	return ""
}

// ownedResponseHeader is the same for responses.
func ownedResponseHeader(folded string) string {
	switch folded {
	case "connection", "keep_alive", "proxy_connection", "te", "trailer", "transfer_encoding", "upgrade", "content_length":
		return "belongs to the connection"
	case "set_cookie":
		return "is ruled by cookies"
	case "x_session_token", "x_gateway_error", "x_request_id":
		return "is the gateway's own"
	}
	return ""
}

// isStandardHeader names headers of requests that no identity may replace.
func isStandardHeader(folded string) bool {
	switch folded {
	case "authorization", "range", "origin", "referer", "user_agent", "date", "via", "from", "cache_control",
		"pragma", "max_forwards", "priority", "traceparent", "tracestate", "x_session_token", "idempotency_key":
		return true
	}
	for _, prefix := range []string{"accept", "content_", "if_", "sec_", "access_control_", "proxy_"} {
		if strings.HasPrefix(folded, prefix) {
			return true
		}
	}
	return false
}

// checkRequestHeaders refuses rules for headers that the gateway sets itself:
// the identity above all.
func (v *validator) checkRequestHeaders(key string, h HeaderRules) {
	v.checkHeaderRules(key, h, func(folded string) string {
		for _, identity := range v.identityHeaders() {
			if identity.name != "" && fold(identity.name) == folded {
				return "carries the identity"
			}
		}
		return ownedRequestHeader(folded)
	})
}

func (v *validator) checkResponseHeaders(key string, h HeaderRules, cors bool) {
	v.checkHeaderRules(key, h, func(folded string) string {
		if cors && strings.HasPrefix(folded, "access_control_") {
			return "is ruled by cors"
		}
		return ownedResponseHeader(folded)
	})
}

func (v *validator) checkHeaderRules(key string, h HeaderRules, owned func(folded string) string) {
	taken := map[string]string{}
	check := func(key, name string) {
		if !isHeaderName(name) {
			v.errorf(key, "%s is not a header name of letters, digits and -", Quote(name))
		} else if why := owned(fold(name)); why != "" {
			v.errorf(key, "%s %s", Quote(name), why)
		} else if other := taken[fold(name)]; other != "" {
			v.errorf(key, "is the same header as %s", other)
		}
		taken[fold(name)] = key
	}
	for _, name := range slices.Sorted(maps.Keys(h.Set)) {
		at := joinKey(key+".set", name)
		check(at, name)
		if value := h.Set[name].Reveal(); len(value) > 8<<10 || !only(value, isPrintable, "\t") {
			v.errorf(at, "has a value with control characters, or one longer than 8 KiB")
		}
	}
	for i, name := range h.Remove {
		check(at(key+".remove", i), name)
	}
}

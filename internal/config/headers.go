package config

import (
	"maps"
	"net/textproto"
	"slices"
	"strings"

	"wxgate/internal/httprule"
)

// maxHeaderValue bounds what a rule may set a header to, in bytes.
const maxHeaderValue = 8 << 10

// headers are the classes of all headers under the configured identity headers.
func (c *Config) headers() *httprule.Headers {
	var names []string
	for _, h := range c.identityHeaders() {
		if h.name != "" {
			names = append(names, h.name)
		}
	}
	return httprule.NewHeaders(names)
}

// checkRequestHeaders refuses rules for headers that the gateway sets itself:
// the identity above all.
func (v *validator) checkRequestHeaders(key string, rules HeaderRules) {
	headers := v.headers()
	v.checkHeaderRules(key, rules, func(name string) string { return ownership(name, headers.Request(name)) })
}

func (v *validator) checkResponseHeaders(key string, rules HeaderRules, cors bool) {
	headers := v.headers()
	v.checkHeaderRules(key, rules, func(name string) string {
		if cors && strings.HasPrefix(name, "Access-Control-") {
			return "is set by cors"
		}
		return ownership(name, headers.Response(name))
	})
}

// ownership says why no rule may touch a header; empty: it may.
func ownership(name string, class httprule.Class) string {
	switch {
	case class.RulesMayChange():
		return ""
	case name == "Host":
		return "is kept by preserve_host"
	case name == "Cookie" || name == "Set-Cookie":
		return "is controlled by cookies"
	case class == httprule.Connection || name == "Content-Length":
		return "belongs to the connection"
	case class == httprule.Identity:
		return "carries the identity"
	}
	return "is the gateway's own"
}

func (v *validator) checkHeaderRules(key string, rules HeaderRules, owned func(canonical string) string) {
	first := map[string]string{}
	check := func(key, name string) {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if !httprule.ValidHeaderName(name) {
			v.errorf(key, "%s is not a header name of letters, digits and -", Quote(name))
		} else if why := owned(canonical); why != "" {
			v.errorf(key, "%s %s", Quote(name), why)
		} else if other := first[canonical]; other != "" {
			v.errorf(key, "is the same header as %s", other)
		}
		first[canonical] = key
	}
	for _, name := range slices.Sorted(maps.Keys(rules.Set)) {
		at := joinKey(key+".set", name)
		check(at, name)
		if value := rules.Set[name].Reveal(); len(value) > maxHeaderValue || !httprule.Printable(strings.ReplaceAll(value, "\t", " ")) {
			v.errorf(at, "has a value with control characters, or one longer than 8 KiB")
		}
	}
	for i, name := range rules.Remove {
		check(at(key+".remove", i), name)
	}
}

package config

import (
	"maps"
	"net/textproto"
	"slices"
	"strings"

	"wxgate/internal/httprule"
)

// maxHeaderValue bounds the value that a rule sets, in bytes.
const maxHeaderValue = 8 << 10

// headerClasses returns the classes of all headers, given the configured identity
// headers.
func (c *Config) headerClasses() *httprule.Headers {
	var names []string
	for _, h := range c.identityHeaders() {
		if h.name != "" {
			names = append(names, h.name)
		}
	}
	return httprule.NewHeaders(names)
}

// checkRequestHeaders refuses rules for headers that the gateway controls, in
// particular the identity headers.
func (v *validator) checkRequestHeaders(key string, rules HeaderRules) {
	headers := v.headerClasses()
	v.checkHeaderRules(key, rules, func(name string) string { return whyNotChangeable(name, headers.Request(name)) })
}

func (v *validator) checkResponseHeaders(key string, rules HeaderRules, cors bool) {
	headers := v.headerClasses()
	v.checkHeaderRules(key, rules, func(name string) string {
		if cors && strings.HasPrefix(name, "Access-Control-") {
			return "is set by cors"
		}
		return whyNotChangeable(name, headers.Response(name))
	})
}

// whyNotChangeable returns why no rule may change a header; "" if a rule may.
func whyNotChangeable(name string, class httprule.Class) string {
	switch {
	case class.RulesMayChange():
		return ""
	case name == "Host":
		return "is controlled by preserve_host"
	case name == "Cookie" || name == "Set-Cookie":
		return "is controlled by cookies"
	case class == httprule.Connection || name == "Content-Length":
		return "is a header of the connection"
	case class == httprule.Identity:
		return "is an identity header"
	}
	return "is reserved for the gateway"
}

// checkHeaderRules accepts rules that change each header once. refusal
// returns why a header must not be changed, "" if it may be.
func (v *validator) checkHeaderRules(key string, rules HeaderRules, refusal func(canonical string) string) {
	first := map[string]string{}
	check := func(key, name string) {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if !httprule.ValidHeaderName(name) {
			v.errorf(key, "%s is not a header name of letters, digits and -", Quote(name))
		} else if why := refusal(canonical); why != "" {
			v.errorf(key, "%s %s", Quote(name), why)
		} else if other := first[canonical]; other != "" {
			v.errorf(key, "is the same header as %s", other)
		}
		first[canonical] = key
	}
	for _, name := range slices.Sorted(maps.Keys(rules.Set)) {
		setKey := joinKey(key+".set", name)
		check(setKey, name)
		if value := rules.Set[name].Reveal(); len(value) > maxHeaderValue || !httprule.Printable(strings.ReplaceAll(value, "\t", " ")) {
			v.errorf(setKey, "has a value with control characters, or one longer than 8 KiB")
		}
	}
	for i, name := range rules.Remove {
		check(at(key+".remove", i), name)
	}
}

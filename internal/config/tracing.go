package config

import "wxgate/internal/httprule"

func (v *validator) checkTracing() {
	t := v.Tracing
	if t.Endpoint.URL != nil {
		v.checkURL("tracing.endpoint", t.Endpoint.URL, "http", "https")
	}
	for name, value := range t.Headers {
		key := joinKey("tracing.headers", name)
		if !httprule.ValidHeaderName(name) {
			v.errorf(key, "%s is not a header name of letters, digits and -", Quote(name))
		} else if !httprule.Printable(value.Reveal()) || len(value) > maxHeaderValue {
			v.errorf(key, "has a value with control characters, or one longer than 8 KiB")
		}
	}
}

package proxy

import (
	"testing"
)

func TestCookiePathIsRewrittenToThePublicPath(t *testing.T) {
	t.Parallel()
	rt := &Route{StripPrefix: "/shop/", AddPrefix: "/v1"}
	for line, want := range map[string]string{
		"a=b; Path=/v1/cart; HttpOnly": "a=b; Path=/shop/cart; HttpOnly",
		"a=b; path=/v1":                "a=b; Path=/shop/",
		"a=b; Path=/":                  "a=b; Path=/",
		"a=b":                          "a=b",
		"Path=/v1/x":                   "Path=/v1/x",
		"a=b; Path=rel":                "a=b; Path=rel",
	} {
		if got := rt.publicCookie(line); got != want {
			t.Errorf("%q became %q", line, got)
		}
	}
	rt = &Route{StripPrefix: "/shop"}
	for line, want := range map[string]string{
		"a=b; Path=/": "a=b; Path=/shop", "a=b;Path=/cart": "a=b; Path=/shop/cart", "a=b; Path=/shop/cart": "a=b; Path=/shop/cart",
	} {
		if got := rt.publicCookie(line); got != want {
			t.Errorf("%q became %q", line, got)
		}
	}
}

package proxy_test

import (
	"testing"

	"wxgate/proxy"
)

func TestPrefixesAreReplacedAtSegmentBoundariesOnly(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{routes: []*proxy.Route{
		{Name: "strip", Path: "/app/", Auth: proxy.AuthNone, StripPrefix: "/app"},
		{Name: "both", Path: "/old/", Auth: proxy.AuthNone, StripPrefix: "/old/", AddPrefix: "/new/"},
		{Name: "all", Path: "/", Auth: proxy.AuthNone, StripPrefix: "/app"},
	}})
	for path, want := range map[string]string{
		"/app":                     "/",
		"/app/":                    "/",
		"/app/x/y?q=%2f;a=b&a=%zz": "/x/y?q=%2f;a=b&a=%zz",
		"/a%70p/x%20y":             "/x%20y",
		"/app/%E4%B8%AD%25":        "/%E4%B8%AD%25",
		"/old/x":                   "/new/x",
		"/application/x":           "/application/x",
		"/x?":                      "/x?",
	} {
		var got echoResponse
		env.call("GET", path, "", "").JSON(t, &got)
		if got.Target != want {
			t.Errorf("%s reached the backend as %s, not %s", path, got.Target, want)
		}
	}
}

package upstream

import (
	"cmp"
	"crypto/tls"
	"net"
	"net/url"
	"strings"
)

// target is a Target prepared for requests.
type target struct {
	Target
	scheme       string // http or https; h2c is http
	port         string
	basePath     string // the URL's path without a trailing slash
	rawBasePath  string // the same, escaped
	tls          *tls.Config
	metrics      *targetMetrics
	lookupFailed bool // the last look-up failed; used by resolveLoop's goroutine only

	lookupRequested chan struct{} // buffered; has an element after requestLookup
}

func newTarget(c Target) (*target, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	t := &target{
		Target:          c,
		lookupRequested: make(chan struct{}, 1),
		scheme:          c.URL.Scheme,
		basePath:        strings.TrimSuffix(c.URL.Path, "/"),
		rawBasePath:     strings.TrimSuffix(c.URL.EscapedPath(), "/"),
	}
	if t.scheme == "h2c" {
		t.scheme = "http"
	}
	t.port = cmp.Or(c.URL.Port(), map[string]string{"http": "80", "https": "443"}[t.scheme])
	if t.scheme != "https" {
		return t, nil
	}
	var err error
	t.tls, err = tlsConfig(c)
	return t, err
}

func (t *target) String() string { return t.URL.String() }

// SupportsUpgrade reports whether the target can serve WebSockets. h2c can't: HTTP/2
// has no Upgrade.
func (t Target) SupportsUpgrade() bool { return t.URL == nil || t.URL.Scheme != "h2c" }

// hostPort joins a host or IP with the target's port.
func (t *target) hostPort(host string) string { return net.JoinHostPort(host, t.port) }

// joinPath sets u's path to the base path followed by the request's path.
func (t *target) joinPath(u *url.URL, path, rawPath string) {
	u.Path, u.RawPath = path, rawPath
	if t.basePath == "" || path == "*" {
		return
	}
	escaped := u.EscapedPath()
	if path != "" && path[0] != '/' {
		path, escaped = "/"+path, "/"+escaped
	}
	u.Path = t.basePath + path
	if rawPath != "" || t.URL.RawPath != "" {
		u.RawPath = t.rawBasePath + escaped
	}
}

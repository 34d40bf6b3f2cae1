package upstream

import (
	"cmp"
	"crypto/tls"
	"net"
	"net/url"
	"strings"
)

// target is a configured Target made ready.
type target struct {
	Target
	scheme       string // what net/http understands: http or https
	port         string
	basePath     string // the URL's path without a slash at its end
	rawBasePath  string // the same as it is escaped
	tls          *tls.Config
	metrics      *targetMetrics
	lookupFailed bool // the last look-up found nothing; of the goroutine that looks up

	lookupRequested chan struct{} // has an element while the name is to be looked up at once
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

// SupportsUpgrade reports whether the target can take WebSockets. h2c can't:
// HTTP/2 has no Upgrade.
func (t Target) SupportsUpgrade() bool { return t.URL == nil || t.URL.Scheme != "h2c" }

// address joins a host or IP with the target's port.
func (t *target) hostPort(host string) string { return net.JoinHostPort(host, t.port) }

// join puts the base path in front of the path of a request, which u receives.
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

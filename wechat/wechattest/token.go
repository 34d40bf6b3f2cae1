package wechattest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const (
	tokenLifetime = 2 * time.Hour
	tokenOverlap  = 5 * time.Minute  // how long the old token is valid beside the new one
	forceInterval = 30 * time.Second // a forced refresh sooner than that has no effect
	forcePerDay   = 20
)

// token is an issued access token.
type token struct {
	value   string
	app     *app
	expires time.Time
	invalid bool // by a forced refresh or InvalidateToken
}

// tokenSeries are an app's tokens of one kind, stable or legacy. The two kinds are
// independent.
type tokenSeries struct {
	current       *token
	replace       bool // current is invalid: the next call issues a new one
	lastForced    time.Time
	day           time.Time
	forcedThatDay int
}

// legacyToken issues a new token at every call; the previous one is valid for five more
// minutes.
func (s *Server) legacyToken(r *request) response {
	if r.query.Get("grant_type") != "client_credential" {
		return failure(40002, "invalid grant_type")
	}
	if res, ok := s.checkSecretAndIP(r, r.query); !ok {
		return res
	}
	if old := r.app.legacy.current; old != nil {
		old.expires = earlier(old.expires, s.now().Add(tokenOverlap))
	}
	return tokenResponse(s.now(), s.issue(r.app, &r.app.legacy))
}

// stableToken returns the current token until five minutes before its expiry, or issues a
// new one.
func (s *Server) stableToken(r *request) response {
	var params struct {
		GrantType    string `json:"grant_type"`
		AppID        string `json:"appid"`
		Secret       string `json:"secret"`
		ForceRefresh bool   `json:"force_refresh"`
	}
	if json.Unmarshal(r.body, &params) != nil {
		return failure(47001, "data format error")
	}
	if params.GrantType != "client_credential" {
		return failure(40002, "invalid grant_type")
	}
	if res, ok := s.checkSecretAndIP(r, url.Values{"appid": {params.AppID}, "secret": {params.Secret}}); !ok {
		return res
	}
	if params.ForceRefresh {
		return s.forceToken(r.app)
	}
	return tokenResponse(s.now(), s.currentToken(r.app))
}

func (s *Server) currentToken(a *app) *token {
	series := &a.stable
	if series.current == nil || series.replace || series.current.expires.Sub(s.now()) < tokenOverlap {
		return s.issue(a, series)
	}
	return series.current
}

// forceToken invalidates the current token and issues a new one, twenty times a day.
func (s *Server) forceToken(a *app) response {
	series := &a.stable
	if s.now().Sub(series.lastForced) < forceInterval {
		return tokenResponse(s.now(), s.currentToken(a))
	}
	if day := s.now().Truncate(24 * time.Hour); !day.Equal(series.day) {
		series.day, series.forcedThatDay = day, 0
	}
	if series.forcedThatDay >= forcePerDay {
		return failure(45009, "reach max api daily quota limit")
	}
	series.forcedThatDay++
	series.lastForced = s.now()
	if series.current != nil {
		series.current.invalid = true
	}
	return tokenResponse(s.now(), s.issue(a, series))
}

func (s *Server) issue(a *app, series *tokenSeries) *token {
	now := s.now()
	for value, t := range s.tokens {
		if now.Sub(t.expires) > tokenLifetime {
			delete(s.tokens, value)
		}
	}
	value := fmt.Sprintf("%d_%s%s%s", 90+len(s.tokens)%10, rand.Text(), rand.Text(), rand.Text())
	series.current, series.replace = &token{value: value, app: a, expires: now.Add(tokenLifetime)}, false
	s.tokens[value] = series.current
	return series.current
}

func tokenResponse(now time.Time, t *token) response {
	return succeed(map[string]any{"access_token": t.value, "expires_in": int(t.expires.Sub(now).Seconds())})
}

// checkToken sets r.app by the access token. If ok is false, res is the error.
func (s *Server) checkToken(r *request) (res response, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value := r.query.Get("access_token")
	t := s.tokens[value]
	switch {
	case value == "":
		return failure(41001, "access_token missing"), false
	case t == nil:
		return failure(40014, "invalid access_token"), false
	case t.invalid:
		return failure(40001, "invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r"), false
	case !s.now().Before(t.expires):
		return failure(42001, "access_token expired"), false
	}
	r.app = t.app
	return response{}, true
}

// checkSecretAndIP is checkSecret with the IP whitelist.
func (s *Server) checkSecretAndIP(r *request, params url.Values) (res response, ok bool) {
	if res, ok := s.checkSecret(r, params); !ok {
		return res, false
	}
	if ip := callerIP(r); !r.app.allows(ip) {
		return failure(40164, fmt.Sprintf("invalid ip %s ipv6 ::ffff:%s, not in whitelist", ip, ip)), false
	}
	return response{}, true
}

func callerIP(r *request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	ip, _ := netip.ParseAddr(host)
	return ip.Unmap()
}

func (a *app) allows(ip netip.Addr) bool {
	for _, text := range a.AllowedIPs {
		if !strings.Contains(text, "/") {
			text += fmt.Sprintf("/%d", ip.BitLen())
		}
		if p, err := netip.ParsePrefix(text); err == nil && p.Contains(ip) {
			return true
		}
	}
	return len(a.AllowedIPs) == 0
}

// InvalidateToken invalidates the app's access tokens of both kinds: calls get 40001. The
// next token call returns a new one, as after a forced refresh by another program. If
// silent is set, stable_token returns the invalid one until a forced refresh.
func (s *Server) InvalidateToken(appid string, silent bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.app(appid)
	if err != nil {
		return err
	}
	for _, series := range []*tokenSeries{&a.stable, &a.legacy} {
		if series.current != nil {
			series.current.invalid, series.replace = true, !silent
		}
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

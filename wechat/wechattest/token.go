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
	tokenLife     = 2 * time.Hour
	tokenOverlap  = 5 * time.Minute  // the old one's life beside the new
	forceInterval = 30 * time.Second // a forced refresh that comes closer changes nothing
	forcePerDay   = 20
)

// token is an access token that was given out.
type token struct {
	value string
	app   *app
	ends  time.Time
	dead  bool // replaced by force, or killed
}

// tokenSeries is the sequence of an app's tokens of one kind. The stable and the legacy
// series know nothing of each other.
type tokenSeries struct {
	current *token
	gone    bool // current was killed, and WeChat knows it
	forced  time.Time
	day     time.Time
	forces  int // on that day
}

// legacyToken gives a new token at every call; the one before lives on for five minutes.
func (s *Server) legacyToken(r *request) response {
	if r.query.Get("grant_type") != "client_credential" {
		return failure(40002, "invalid grant_type")
	}
	if a, ok := s.checkCaller(r, r.query); !ok {
		return a
	}
	if old := r.app.legacy.current; old != nil {
		old.ends = earlier(old.ends, s.now().Add(tokenOverlap))
	}
	return s.give(s.issue(r.app, &r.app.legacy))
}

// stableToken gives the same token until five minutes before its end, or a new
// one by force.
func (s *Server) stableToken(r *request) response {
	var asked struct {
		GrantType    string `json:"grant_type"`
		AppID        string `json:"appid"`
		Secret       string `json:"secret"`
		ForceRefresh bool   `json:"force_refresh"`
	}
	if json.Unmarshal(r.body, &asked) != nil {
		return failure(47001, "data format error")
	}
	if asked.GrantType != "client_credential" {
		return failure(40002, "invalid grant_type")
	}
	if a, ok := s.checkCaller(r, url.Values{"appid": {asked.AppID}, "secret": {asked.Secret}}); !ok {
		return a
	}
	if asked.ForceRefresh {
		return s.forceToken(r.app)
	}
	return s.give(s.stable(r.app))
}

func (s *Server) stable(a *app) *token {
	l := &a.stable
	if l.current == nil || l.gone || l.current.ends.Sub(s.now()) < tokenOverlap {
		return s.issue(a, l)
	}
	return l.current
}

// forceToken ends the token in force at once, twenty times a day.
func (s *Server) forceToken(a *app) response {
	l := &a.stable
	if s.now().Sub(l.forced) < forceInterval {
		return s.give(s.stable(a))
	}
	if day := s.now().Truncate(24 * time.Hour); !day.Equal(l.day) {
		l.day, l.forces = day, 0
	}
	if l.forces >= forcePerDay {
		return failure(45009, "reach max api daily quota limit")
	}
	l.forces++
	l.forced = s.now()
	if l.current != nil {
		l.current.dead = true
	}
	return s.give(s.issue(a, l))
}

func (s *Server) issue(a *app, l *tokenSeries) *token {
	now := s.now()
	for value, t := range s.tokens {
		if now.Sub(t.ends) > tokenLife {
			delete(s.tokens, value)
		}
	}
	value := fmt.Sprintf("%d_%s%s%s", 90+len(s.tokens)%10, rand.Text(), rand.Text(), rand.Text())
	l.current, l.gone = &token{value: value, app: a, ends: now.Add(tokenLife)}, false
	s.tokens[value] = l.current
	return l.current
}

func (s *Server) give(t *token) response {
	return succeed(map[string]any{"access_token": t.value, "expires_in": int(t.ends.Sub(s.now()).Seconds())})
}

// checkToken finds the app by its access token.
func (s *Server) checkToken(r *request) (response, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value := r.query.Get("access_token")
	t := s.tokens[value]
	switch {
	case value == "":
		return failure(41001, "access_token missing"), false
	case t == nil:
		return failure(40014, "invalid access_token"), false
	case t.dead:
		return failure(40001, "invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r"), false
	case !s.now().Before(t.ends):
		return failure(42001, "access_token expired"), false
	}
	r.app = t.app
	return response{}, true
}

// checkCaller is for the calls that take an AppSecret and look at the address.
func (s *Server) checkCaller(r *request, from url.Values) (response, bool) {
	a, ok := s.checkSecret(r, from)
	if !ok {
		return a, false
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

// InvalidateToken ends the app's access tokens of both kinds: calls get 40001. WeChat
// then gives out a new one, as after a forced refresh by somebody else, unless
// silent: then stable_token goes on giving out the dead one until it is forced.
func (s *Server) InvalidateToken(appid string, silent bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.app(appid)
	if err != nil {
		return err
	}
	for _, l := range []*tokenSeries{&a.stable, &a.legacy} {
		if l.current != nil {
			l.current.dead, l.gone = true, !silent
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

package upstream

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// The values of Config.Balance.
const (
	RoundRobin = "round_robin" // by weight, interleaved; the default
	LeastConn  = "least_conn"  // fewest requests in flight per weight
	HashOpenID = "hash_openid" // rendezvous hashing of Call.HashKey; round robin without a key
)

// Config describes a group: the targets of one route.
type Config struct {
	Name    string   // for errors, logs and metrics
	Targets []Target // at least one
	Balance string   // RoundRobin, LeastConn or HashOpenID; "": RoundRobin

	// Retries is how many other targets may be tried after a failure, if a
	// retry is safe. 0: none.
	Retries int

	// Timeout limits the time until the response's headers after the request was
	// sent, and the time in which a target reads none of the request's body.
	// 0: 30 s. After the headers there is no limit.
	Timeout time.Duration

	Health Health
	Eject  Eject

	// PreserveHost sends the request's Host to the target; otherwise the host of
	// the target's URL is sent.
	PreserveHost bool
}

// Target is one backend. If its host is a name with several addresses, each
// address is a backend of its own with this weight.
type Target struct {
	// URL has the scheme http, https or h2c (HTTP/2 without TLS), a host and
	// optionally a base path, which is prefixed to each request's path.
	URL *url.URL

	Weight int // share of the requests relative to the other targets; 0: 1

	// For https only. CAFile is a PEM file with the roots to trust instead of the
	// system's, CertFile and KeyFile are the client certificate, ServerName is sent
	// and verified instead of the URL's host.
	CAFile, CertFile, KeyFile, ServerName string
}

// Health configures the active checks of each target. A zero value other than
// Path's means the default in brackets.
type Health struct {
	Path      string        // path of the GET to the target's host; "": no active checks
	Interval  time.Duration // between checks, varied by a tenth [5 s]
	Timeout   time.Duration // of one check [2 s]
	Healthy   int           // consecutive successes (2xx, 3xx) after which a target is healthy [2]
	Unhealthy int           // consecutive failures after which it is unhealthy [2]
}

// Eject configures the passive check, a circuit breaker: a target with so many
// consecutive failures gets no requests for a while. Failures are connections that
// can't be established or break before a response, responses that don't start
// within Timeout, and the statuses 502, 503 and 504.
type Eject struct {
	Failures int           // 0: never
	For      time.Duration // of the first ejection; doubled for each further one, at most eightfold [10 s]
}

// withDefaults replaces zero values by the defaults.
func (c Config) withDefaults() Config {
	c.Balance = cmp.Or(c.Balance, RoundRobin)
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	c.Health.Interval = cmp.Or(c.Health.Interval, 5*time.Second)
	c.Health.Timeout = cmp.Or(c.Health.Timeout, 2*time.Second)
	c.Health.Healthy = cmp.Or(c.Health.Healthy, 2)
	c.Health.Unhealthy = cmp.Or(c.Health.Unhealthy, 2)
	c.Eject.For = cmp.Or(c.Eject.For, 10*time.Second)
	return c
}

func (c Config) validate() error {
	switch {
	case len(c.Targets) == 0:
		return errors.New("no targets")
	case c.Balance != RoundRobin && c.Balance != LeastConn && c.Balance != HashOpenID:
		return fmt.Errorf("unknown balance %q", c.Balance)
	case c.Retries < 0:
		return errors.New("retries is negative")
	case c.Timeout < 0:
		return errors.New("timeout is negative")
	case c.Eject.Failures < 0 || c.Eject.For < 0:
		return errors.New("eject has a negative value")
	}
	return c.Health.validate()
}

func (h Health) validate() error {
	if h.Interval < 0 || h.Timeout < 0 || h.Healthy < 0 || h.Unhealthy < 0 {
		return errors.New("health has a negative value")
	}
	if h.Path == "" {
		return nil
	}
	if _, err := url.ParseRequestURI(h.Path); err != nil || h.Path[0] != '/' {
		return fmt.Errorf("health path %q is not a path", h.Path)
	}
	return nil
}

func (t Target) validate() error {
	u := t.URL
	switch {
	case u == nil:
		return errors.New("target without a URL")
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "h2c":
		return fmt.Errorf("target %s: scheme is not http, https or h2c", u.Redacted())
	case u.Hostname() == "":
		return fmt.Errorf("target %s: no host", u.Redacted())
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return fmt.Errorf("target %s: more than scheme, host and base path", u.Host)
	case t.Weight < 0:
		return fmt.Errorf("target %s: weight is negative", u)
	case u.Scheme != "https" && t.CAFile+t.CertFile+t.KeyFile+t.ServerName != "":
		return fmt.Errorf("target %s: TLS settings without https", u)
	case (t.CertFile == "") != (t.KeyFile == ""):
		return fmt.Errorf("target %s: a certificate needs its key, and a key its certificate", u)
	}
	return nil
}

package upstream

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// The ways to choose a target. The empty string means RoundRobin.
const (
	RoundRobin = "round_robin" // by weight, evenly interleaved
	LeastConn  = "least_conn"  // fewest requests in flight for its weight
	HashOpenID = "hash_openid" // by Call.HashKey; round robin for requests without a key
)

// Config describes a group: the targets that answer for one route.
type Config struct {
	Name    string   // for errors, logs and metrics
	Targets []Target // at least one
	Balance string   // RoundRobin, LeastConn or HashOpenID

	// Retries is how many other targets may be tried after a failure that is
	// safe to repeat. 0: none.
	Retries int

	// Timeout limits the wait for the response's headers once the request is
	// sent, and how long a target may refuse to take more of a request's body.
	// 0: 30 s. What comes after the headers may take as long as it likes.
	Timeout time.Duration

	Health Health
	Eject  Eject

	// PreserveHost leaves the request's Host as it is; otherwise the target
	// is sent the host of its own URL.
	PreserveHost bool
}

// Target is one backend. Where its host is a name that stands for several
// addresses, each address counts as a backend of its own with this weight.
type Target struct {
	// URL has the scheme http, https or h2c (HTTP/2 without TLS), a host and
	// perhaps a base path, which is put in front of each request's path.
	URL *url.URL

	Weight int // share among the targets; 0: 1

	// For https only. CAFile holds the PEM roots to trust in place of the
	// system's; CertFile and KeyFile the client certificate; ServerName the
	// name to ask for and to verify in place of the URL's host.
	CAFile, CertFile, KeyFile, ServerName string
}

// Health is the active check of each target. Zero values other than Path's
// take the defaults in brackets.
type Health struct {
	Path      string        // asked with GET on the target's host; "": no active checks
	Interval  time.Duration // between checks, a tenth more or less [5 s]
	Timeout   time.Duration // of one check [2 s]
	Healthy   int           // good answers in a row (2xx, 3xx) that bring a target back [2]
	Unhealthy int           // bad ones in a row that take it out [2]
}

// Eject is the passive check: a target that fails this often in a row gets no
// requests for a while. Failures are connections that can't be made or break
// before a response, responses that don't begin within Timeout, and the
// responses 502, 503 and 504.
type Eject struct {
	Failures int           // 0: never
	For      time.Duration // the first time; doubled each time in a row, at most eightfold [10 s]
}

// withDefaults fills in what was left out.
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

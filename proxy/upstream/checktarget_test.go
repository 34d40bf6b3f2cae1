package upstream

import (
	"crypto/tls"
	"testing"
	"time"
)

func TestCheckTargetReportsWhetherATargetWorks(t *testing.T) {
	t.Parallel()
	backend, u := serveCounting(t, "a")
	ca := newAuthority(t)
	encrypted := targets(t, serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, nil)}}, false))[0]
	trusted := encrypted
	trusted.CAFile = ca.file
	backend.code.Store(500)
	for name, c := range map[string]struct {
		target Target
		path   string
		good   bool
	}{
		"connects":         {targets(t, u)[0], "", true},
		"responds 500":     {targets(t, u)[0], "/health", false},
		"refused":          {targets(t, refusedURL)[0], "", false},
		"refused a check":  {targets(t, refusedURL)[0], "/health", false},
		"unknown CA":       {encrypted, "", false},
		"known CA":         {trusted, "", true},
		"known CA, checks": {trusted, "/health", true},
	} {
		err := CheckTarget(t.Context(), c.target, Health{Path: c.path, Timeout: 5 * time.Second})
		if (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package upstream

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestConfigErrorsNameWhatIsWrong(t *testing.T) {
	t.Parallel()
	junk := filepath.Join(t.TempDir(), "junk.pem")
	os.WriteFile(junk, []byte("junk"), 0o600)
	with := func(url string, change func(*Target)) Config {
		list := targets(t, url)
		change(&list[0])
		return Config{Name: "api", Targets: list}
	}
	good := func(change func(*Config)) Config {
		c := Config{Name: "api", Targets: targets(t, "http://a")}
		change(&c)
		return c
	}
	same := func(*Target) {}
	for want, c := range map[string]Config{
		"no targets":               {Name: "api"},
		"without a URL":            {Name: "api", Targets: []Target{{}}},
		"not http, https or h2c":   with("ftp://a", same),
		"no host":                  with("http:///path", same),
		"more than scheme":         with("http://user:pass@a", same),
		"scheme, host and base":    with("http://a?q=1", same),
		"weight is negative":       with("http://a", func(c *Target) { c.Weight = -1 }),
		"TLS settings without":     with("http://a", func(c *Target) { c.ServerName = "a" }),
		"needs its key":            with("https://a", func(c *Target) { c.CertFile = junk }),
		"ca_file: open":            with("https://a", func(c *Target) { c.CAFile = junk + "x" }),
		"no certificate in it":     with("https://a", func(c *Target) { c.CAFile = junk }),
		"client certificate":       with("https://a", func(c *Target) { c.CertFile, c.KeyFile = junk, junk }),
		`unknown balance "random"`: good(func(c *Config) { c.Balance = "random" }),
		"retries is negative":      good(func(c *Config) { c.Retries = -1 }),
		"timeout is negative":      good(func(c *Config) { c.Timeout = -1 }),
		"eject has a negative":     good(func(c *Config) { c.Eject.For = -1 }),
		"health has a negative":    good(func(c *Config) { c.Health.Interval = -time.Second }),
		`health path "health"`:     good(func(c *Config) { c.Health.Path = "health" }),
		`health path "/%zz"`:       good(func(c *Config) { c.Health.Path = "/%zz" }),
	} {
		g, err := New(c, nil, nil)
		if err == nil {
			g.Close()
			t.Errorf("%s: accepted", want)
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "upstream api: ") || strings.Contains(err.Error(), "pass") {
			t.Errorf("error is %q, should say %q", err, want)
		}
	}
}

package main

import (
	"wxgate/internal/config"
	"wxgate/secret"
	"wxgate/session"
)

func sessionConfig(c *config.Config) session.Config {
	keys := make([]secret.Text, len(c.Secrets))
	for i, k := range c.Secrets {
		keys[i] = k.Raw
	}
	return session.Config{
		Redis:        redisConfig(c),
		Apps:         appIDs(c),
		Secrets:      keys,
		IdleTimeout:  c.Session.IdleTimeout.Std(),
		WebIdle:      c.Web.MaxAge.Std(),
		MaxLifetime:  c.Session.MaxLifetime.Std(),
		MaxPerUser:   c.Session.MaxPerUser,
		CacheSize:    c.Session.CacheSize,
		CacheTTL:     c.Session.CacheTTL.Std(),
		StaleIfError: c.Session.StaleIfError.Std(),
		TokenFormat:  c.Token.Format,
		Issuer:       c.Token.Issuer,
		TokenTTL:     c.Token.TTL.Std(),
		RenewBefore:  c.Token.RenewBefore.Std(),
		AssertionTTL: c.Identity.Assertion.TTL.Std(),
	}
}

func appIDs(c *config.Config) []string {
	ids := make([]string, len(c.Apps))
	for i, a := range c.Apps {
		ids[i] = a.AppID
	}
	return ids
}

func redisConfig(c *config.Config) session.RedisConfig {
	r := c.Redis
	return session.RedisConfig{
		Addrs: addresses(r.Addrs), Username: r.Username, Password: r.Password, DB: r.DB,
		MasterName: r.MasterName, SentinelUsername: r.SentinelUsername, SentinelPassword: r.SentinelPassword, Cluster: r.Cluster, TLS: r.TLS, KeyPrefix: r.KeyPrefix,
	}
}

func addresses(list []config.RedisAddr) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = string(a)
	}
	return out
}

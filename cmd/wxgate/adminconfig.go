package main

import (
	"wxgate/admin"
	"wxgate/internal/config"
)

func adminConfig(c *config.Config) admin.Config {
	out := admin.Config{Relay: map[string][]string{}}
	for _, t := range c.Admin.Tokens {
		scopes := make([]admin.Scope, len(t.Scopes))
		for i, s := range t.Scopes {
			scopes[i] = admin.Scope(s)
		}
		out.Tokens = append(out.Tokens, admin.Token{Name: t.Name, Token: t.Token, Scopes: scopes, Apps: t.Apps})
	}
	for _, a := range c.Apps {
		out.Relay[a.AppID] = a.Relay
	}
	return out
}

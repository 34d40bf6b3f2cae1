package config

// Scope is what an AdminToken permits.
type Scope string

const (
	scopeAdmin  Scope = "admin"
	scopeWeChat Scope = "wechat"
	scopeToken  Scope = "token" // the raw access token
)

func scopes() []string { return []string{string(scopeAdmin), string(scopeWeChat), string(scopeToken)} }

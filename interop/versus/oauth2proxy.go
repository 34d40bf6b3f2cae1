package main

import (
	"context"
	"os/exec"
)

const (
	oauth2ProxyPackage = "github.com/oauth2-proxy/oauth2-proxy/v7"
	oauth2ProxyVersion = "v7.15.6"

	oauth2Proxy = "oauth2-proxy, bearer JWT"
)

// startOAuth2Proxy starts oauth2-proxy with RS256 tokens, since it does not support HS256.
// It verifies them itself, without an auth service.
func (c *comparison) startOAuth2Proxy(ctx context.Context, tokens *keys, auth string) error {
	if !c.wanted(oauth2Proxy) {
		return nil
	}
	bin, err := c.rig.Install(ctx, oauth2ProxyPackage, oauth2ProxyVersion)
	if err != nil {
		return err
	}
	port, err := c.rig.Port()
	if err != nil {
		return err
	}
	_, err = c.startPeer(ctx, exec.Command(bin, "--http-address="+port.Addr(), "--upstream=http://"+c.backend+"/",
		"--provider=oidc", "--skip-oidc-discovery", "--oidc-issuer-url="+issuer, "--oidc-jwks-url=http://"+auth+"/jwks",
		"--login-url="+issuer+"/login", "--redeem-url="+issuer+"/token", "--client-id="+audience, "--client-secret=unused",
		"--cookie-secret=0123456789abcdef0123456789abcdef", "--redirect-url="+issuer+"/callback",
		"--email-domain=*", "--skip-jwt-bearer-tokens", "--bearer-token-login-fallback=false",
		"--request-logging=false", "--auth-logging=false"),
		&peer{name: oauth2Proxy, address: port.Addr(), token: tokens.rs256, authenticates: true})
	return err
}

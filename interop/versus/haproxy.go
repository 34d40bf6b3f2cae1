package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os/exec"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"wxgate/internal/testkit/process"
)

const haproxy = "HAProxy jwt_verify HS256"

// haproxyConfig verifies signature and expiry of a JWT as HAProxy's documentation does,
// sets X-OpenID, and does not forward the token.
const haproxyConfig = `
global
  nbthread 2
  maxconn 4096
  %[4]s
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option http-keep-alive
  option forwardfor
  http-reuse always
  %[5]s
frontend public
  bind %[1]s
  http-request set-var(txn.token) http_auth_bearer
  http-request deny deny_status 401 unless { var(txn.token),jwt_header_query('$.alg') -m str HS256 }
  http-request deny deny_status 401 unless { var(txn.token),jwt_verify("HS256","%[2]s") -m int 1 }
  http-request set-var(txn.exp) var(txn.token),jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request set-header X-OpenID %%[var(txn.token),jwt_payload_query('$.sub')]
  http-request del-header Authorization
  http-request set-header X-Real-IP %%[src]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %%[req.hdr(host)]
  default_backend backend
backend backend
  server one %[3]s
`

func (c *comparison) startHAProxy(ctx context.Context) error {
	for _, logs := range []bool{false, true} {
		name := withLog(haproxy, logs)
		if !c.wanted(name) {
			continue
		}
		port, err := c.rig.Port()
		if err != nil {
			return err
		}
		target, format := "", ""
		if logs {
			target, format = "log stdout format raw local0 info", "log global\n  option httplog"
		}
		file, err := c.rig.Write(fmt.Sprintf("haproxy-%d.cfg", port.Number),
			fmt.Sprintf(haproxyConfig, port.Addr(), base64.RawURLEncoding.EncodeToString(c.secret), c.backend, target, format))
		if err != nil {
			return err
		}
		p, err := c.rig.Start("haproxy", exec.Command("haproxy", "-db", "-f", file))
		if err != nil {
			return err
		}
		if err := p.Listening(ctx, "tcp", port.Addr()); err != nil {
			return err
		}
		c.peers = append(c.peers, &peer{
			name: name, address: port.Addr(), token: c.jwt(), authenticates: true, identifies: true, logs: logs,
			processes: []*process.Process{p},
		})
	}
	return nil
}

// jwt returns a token of the size of wxgate's own. The key is the base64 text of c.secret,
// as in HAProxy's configuration.
func (c *comparison) jwt() string {
	now := time.Now()
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": "versus", "sub": "oZRPn0Tm5vG1YZ9mUqQ3dX2bC4eA", "appid": "wx00000000000000aa",
		"sid": "WjX3mQe1T0yq6d7hVnZ8Lg", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}).SignedString([]byte(base64.RawURLEncoding.EncodeToString(c.secret)))
	if err != nil {
		panic(err) // HS256 accepts any key
	}
	return signed
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

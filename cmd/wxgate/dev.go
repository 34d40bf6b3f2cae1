package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"wxgate/cmd/wxgate/playground"
	"wxgate/internal/config"
	"wxgate/wechat/wechattest"
)

// devCommand runs everything on this machine: the simulated WeChat, a sample
// backend, the in-process store, the gateway, and the playground, a page that
// shows each call.
type devCommand struct {
	Listen string `default:"127.0.0.1:8080" placeholder:"ADDRESS" help:"Where the gateway listens (default: 127.0.0.1:8080)."`
	Admin  string `default:"127.0.0.1:0" placeholder:"ADDRESS" help:"Where the private listener listens (default: any free port)."`
}

// The app of dev, which the simulator has too, and the token of its private
// listener. None of them is a secret.
const (
	devApp    = "wxdev0000000000001"
	devSecret = "dev-app-secret-of-the-simulator"
	devToken  = "dev-private-token"
)

func (c *devCommand) Run(ctx context.Context, t *terminal) error {
	services, err := startDevServices()
	if err != nil {
		return err
	}
	defer services.stop()
	push := wechattest.PushSettings{Token: rand.Text(), AESKey: newAESKey()}
	cfg, err := c.config(services.wechatBase, services.backend.url(), push)
	if err != nil {
		return err
	}
	log := newLogger(t.err, cfg.Log)
	defer log.close()
	p, err := assemble(cfg, log)
	if err != nil {
		return err
	}
	defer p.close()
	recorder := services.recorder
	recorder.Inspect = p.sessions.Inspect
	faults := &devFaults{sim: services.sim, backend: services.backend, sessions: p.sessions, recorder: recorder}
	front := playground.Front{
		Recorder: recorder, Simulator: services.sim, Gateway: p.gateway, Faults: &playground.Faults{Recorder: recorder, Set: faults.setters()},
	}
	l, err := p.listen(front.Handler(), &inheritedListeners{})
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: another program listens there, choose a free port such as --listen 127.0.0.1:8088", err)
	}
	if err != nil {
		return err
	}
	faults.private = localURL(l.privateLn.Addr())
	push.URL = localURL(l.publicLn.Addr()) + cfg.AuthPrefix + "/push/" + devApp
	if err := services.sim.SetPush(devApp, push); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, recorder.Close)() // its event streams would delay the shutdown
	printInstructions(t, l.publicLn.Addr(), l.privateLn.Addr())
	return l.wait(ctx, l.start(), nil)
}

// localURL returns the URL of a listener for clients on this machine: the loopback
// address for one that listens on every address.
func localURL(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsUnspecified() {
		return "http://" + a.String()
	}
	return "http://127.0.0.1:" + port
}

// newAESKey returns an EncodingAESKey like those of WeChat's console: 43 letters
// and digits.
func newAESKey() string { return (rand.Text() + rand.Text())[:43] }

// config returns the configuration of dev, with the addresses of this process.
func (c *devCommand) config(wechatBase, backend string, push wechattest.PushSettings) (*config.Config, error) {
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		return nil, err
	}
	text := fmt.Sprintf(devConfig, c.Listen, base64.StdEncoding.EncodeToString(key[:]), devApp, devSecret,
		wechatBase, c.Admin, devToken, backend, push.Token, push.AESKey)
	cfg, err := config.Parse("dev", []byte(text), os.LookupEnv)
	if err == nil {
		cfg.Web.Cookie = playground.WebCookie // not a __Host- cookie, so a config file can't name it
	}
	return cfg, err
}

const devConfig = `listen: "%[1]s"
secrets: ["%[2]s"]
apps:
  - appid: %[3]s
    secret: %[4]s
    relay: [/wxa/getwxacodeunlimit, /cgi-bin/message/subscribe/send]
    prefetch: {key: dev-pre-fetch-key-of-the-console}
    push: {token: %[9]s, aes_key: %[10]s, upstream: "%[8]s/wechat/push"}
wechat: {api_base: "%[5]s"}
shutdown_delay: 0s
shutdown_timeout: 2s
limits: {login_per_ip: 600/m, auth_per_user: 600/m}
web: {cookie: __Host-wxgate}
admin:
  listen: "%[6]s"
  tokens: [{name: dev, token: %[7]s, scopes: [admin, wechat]}]
log: {level: info, format: console}
routes:
  - {path: /api/, name: api, upstreams: ["%[8]s"], method_override: true, eject: {for: 1s}}
  - {path: /api/limited/, name: limited, upstreams: ["%[8]s"], rate_limit: 5/s}
  - {path: /api/uploads/, name: uploads, upstreams: ["%[8]s"], max_body: 8MiB}
  - {path: /h5/, name: h5, credentials: [bearer, cookie], cookies: drop, upstreams: ["%[8]s"]}
  - {path: /public/, name: public, auth: none, upstreams: ["%[8]s"]}
`

func printInstructions(t *terminal, public, private net.Addr) {
	fmt.Fprintf(t.out, `wxgate is running with a simulated WeChat and a sample backend; all data is lost when it stops.

  Open http://%[1]s/ in a browser, and follow each call through WeChat, Redis and the backend.

  Or log in as alice:
    TOKEN=$(curl -s http://%[1]s/sim/code -d '{"user":"alice"}' | curl -s http://%[1]s/auth/login -d @- | sed 's/.*"token":"\([^"]*\)".*/\1/')

  Call an API as alice; the backend shows the headers it received:
    curl -s http://%[1]s/api/hello -H "Authorization: Bearer $TOKEN"

  Without a token the call is refused:
    curl -si http://%[1]s/api/hello

  Console: http://%[2]s/console/ shows users, sessions and metrics; sign in with the token %[3]s
  Private listener: http://%[2]s/metrics, and with "Authorization: Bearer %[3]s" the rest.
  Stop with Ctrl-C.

`, public, private, devToken)
}

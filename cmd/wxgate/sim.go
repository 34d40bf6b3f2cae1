package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"wxgate/internal/config"
	"wxgate/internal/httprule"
	"wxgate/wechat/wechattest"
)

// simCommand runs the WeChat simulator alone, for a team's own tests.
type simCommand struct {
	Listen string   `default:"127.0.0.1:8081" placeholder:"ADDRESS" help:"Where the simulator listens (default: 127.0.0.1:8081)."`
	Apps   []string `name:"app" sep:"none" default:"wxsim0000000000001=sim-app-secret" placeholder:"APPID=SECRET" help:"A mini program of the simulator; may be given several times (default: ${default})."`
}

// simShutdownTimeout bounds how long a shutdown waits for responses that a fault
// delays.
const simShutdownTimeout = 2 * time.Second

// Run serves until ctx ends.
func (c *simCommand) Run(ctx context.Context, t *terminal) error {
	apps, err := c.apps()
	if err != nil {
		return err
	}
	if _, _, ok := config.SplitAddress(c.Listen); !ok {
		return usageError{"--listen " + config.Quote(c.Listen) + " is not an address such as 127.0.0.1:8081"}
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	printSimInstructions(t.out, l.Addr().String(), apps)
	return serveSim(ctx, l, wechattest.New(wechattest.Options{Apps: apps, Control: true}))
}

func (c *simCommand) apps() ([]wechattest.App, error) {
	var apps []wechattest.App
	for _, text := range c.Apps {
		id, secret, _ := strings.Cut(text, "=")
		if !httprule.ValidAppID(id) || !config.IsAppSecret(secret) {
			return nil, usageError{"--app " + config.Quote(id) + " is not of the form APPID=SECRET"}
		}
		apps = append(apps, wechattest.App{ID: id, Secret: secret})
	}
	return apps, nil
}

func serveSim(ctx context.Context, l net.Listener, sim http.Handler) error {
	server := &http.Server{Handler: sim, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		shutDown(server)
	})
	err := server.Serve(l)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func shutDown(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), simShutdownTimeout)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		_ = server.Close()
	}
}

// printSimInstructions prints the lines for a config file, and calls that work when
// they are pasted.
func printSimInstructions(w io.Writer, address string, apps []wechattest.App) {
	base, app := "http://"+address, apps[0]
	fmt.Fprintf(w, `The WeChat simulator listens on %[1]s.

In the config file:

  wechat: {api_base: "%[1]s"}
  apps:
`, base)
	for _, a := range apps {
		fmt.Fprintf(w, "    - {appid: %s, secret: %s}\n", a.ID, a.Secret)
	}
	fmt.Fprintf(w, `
To try:

  wx.login as alice, which gives a code for POST /auth/login:
    curl -s %[1]s/sim/code -d '{"user":"alice"}'

  alice presses the phone button:
    curl -s %[1]s/sim/phone-code -d '{"user":"alice"}'

  WeChat is busy for the next two logins:
    curl -s %[1]s/sim/fault -d '{"api":"/sns/jscode2session","times":2,"errcode":-1}'

  the users, and the calls so far:
    curl -s %[1]s/sim/users
    curl -s %[1]s/sim/calls

Without "appid" a call is for %[2]s. Stop with Ctrl-C.
`, base, app.ID)
}

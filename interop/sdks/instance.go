package main

import (
	"context"
	"fmt"
	"net/http"

	"wxgate/interop/rig"
)

// relayedPaths are the paths of the app's relay list: those of all calls but unlisted,
// which uses /wxa/generatescheme or /wxa/getwxacode.
const relayedPaths = "[/wxa/business/getuserphonenumber, /wxa/getwxacodeunlimit, /wxa/msg_sec_check, /cgi-bin/message/subscribe/send]"

// Bearer tokens of the gateway's private listener.
const (
	relayBearer = "interop-relay-0123456789abcdef0123456789"
	tokenBearer = "interop-token-0123456789abcdef0123456789"
)

// startGateway starts a gateway for one SDK. Each SDK has its own, so that the circuit
// breaker and the access token of another have no effect.
func (b *testbed) startGateway(ctx context.Context, pushUpstream string) (*rig.Gateway, error) {
	b.gateways++
	return b.r.Gateway(ctx, fmt.Sprintf(`apps: [{appid: %s, secret: %s, relay: %s, push: {token: %s, aes_key: %s, upstream: "%s"}}]
redis: {addrs: ["%s"], key_prefix: "sdk%d:"}
admin:
  listen: ADMIN
  tokens:
    - {name: relay, token: %s, scopes: [wechat]}
    - {name: token, token: %s, scopes: [token]}
routes: [{path: /api/, upstreams: ["http://127.0.0.1:9"]}]
`, rig.AppID, rig.AppSecret, relayedPaths, pushToken, pushKey, pushUpstream, b.redis, b.gateways, relayBearer, tokenBearer), nil)
}

// instance is a running SDK whose requests are counted.
type instance struct {
	driver
	api    *recorder // in front of the API
	tokens *recorder // in front of the source of access tokens; often the same
}

// startDirect starts an SDK that talks to the simulator.
func (b *testbed) startDirect(ctx context.Context, s sdk) (*instance, error) {
	sim, err := startRecorder(b.sim)
	if err != nil {
		return nil, err
	}
	d, err := b.startDriver(ctx, s, sim.URL, sim.URL, "")
	return &instance{d, sim, sim}, err
}

// startAtRelay starts an SDK that talks to the relay of a gateway, with a bearer token of
// the scope wechat.
func (b *testbed) startAtRelay(ctx context.Context, s sdk) (*instance, error) {
	relay, base, err := b.recordRelay(ctx)
	if err != nil {
		return nil, err
	}
	d, err := b.startDriver(ctx, s, base, base, relayBearer)
	return &instance{d, relay, relay}, err
}

// startWithToken starts an SDK that talks to the simulator, with access tokens that it gets
// from a gateway by a bearer token of the scope token.
func (b *testbed) startWithToken(ctx context.Context, s sdk) (*instance, error) {
	relay, base, err := b.recordRelay(ctx)
	if err != nil {
		return nil, err
	}
	sim, err := startRecorder(b.sim)
	if err != nil {
		return nil, err
	}
	d, err := b.startDriver(ctx, s, sim.URL, base, tokenBearer)
	return &instance{d, sim, relay}, err
}

// recordRelay starts a gateway with a recorder in front of its private listener, and
// returns the base URL of the relay behind the recorder.
func (b *testbed) recordRelay(ctx context.Context) (relay *recorder, base string, err error) {
	g, err := b.startGateway(ctx, "http://127.0.0.1:9/push")
	if err != nil {
		return nil, "", err
	}
	relay, err = startRecorder("http://" + g.Admin)
	if err != nil {
		return nil, "", err
	}
	return relay, relay.URL + "/wx/" + rig.AppID, nil
}

// resetCounts returns the number of calls and of requests for access tokens since the last
// reset.
func (s *instance) resetCounts() (calls, tokens int) {
	calls, tokens = s.api.reset()
	if s.tokens != s.api {
		_, tokens = s.tokens.reset()
	}
	return calls, tokens
}

// control calls the simulator's own interface.
func (b *testbed) control(ctx context.Context, name string, body any) (map[string]any, error) {
	var fields map[string]any
	return fields, post(ctx, b.sim+"/sim/"+name, body, &fields)
}

// clearFaults removes the injected faults.
func (b *testbed) clearFaults(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, b.sim+"/sim/fault", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

package main

import (
	"context"
	"fmt"
	"net/http"

	"wxgate/interop/rig"
)

// relayed are the paths that the gateway relays: what the SDKs are asked for, but for
// /wxa/generatescheme and /wxa/getwxacode, which must be refused.
const relayed = "[/wxa/business/getuserphonenumber, /wxa/getwxacodeunlimit, /wxa/msg_sec_check, /cgi-bin/message/subscribe/send]"

// bearer tokens of the gateway's private listener.
const (
	relayBearer = "interop-relay-0123456789abcdef0123456789"
	tokenBearer = "interop-token-0123456789abcdef0123456789"
)

// gateway starts one of its own for an SDK, so that no circuit breaker and no access
// token of another's plays a part.
func (b *testbed) gateway(ctx context.Context, pushUpstream string) (*rig.Gateway, error) {
	b.gateways++
	return b.r.Gateway(ctx, fmt.Sprintf(`apps: [{appid: %s, secret: %s, relay: %s, push: {token: %s, aes_key: %s, upstream: "%s"}}]
redis: {addrs: ["%s"], key_prefix: "sdk%d:"}
admin:
  listen: ADMIN
  tokens:
    - {name: relay, token: %s, scopes: [wechat]}
    - {name: token, token: %s, scopes: [token]}
routes: [{path: /api/, upstreams: ["http://127.0.0.1:9"]}]
`, rig.AppID, rig.AppSecret, relayed, pushToken, pushKey, pushUpstream, b.redis, b.gateways, relayBearer, tokenBearer), nil)
}

// way is how an SDK reaches WeChat.
type way struct {
	driver
	sent   *recorder // what the SDK sends for its calls
	tokens *recorder // where it asks for access tokens; often the same
}

// straight points an SDK at the simulator.
func (b *testbed) straight(ctx context.Context, s sdk) (way, error) {
	sim, err := record(b.sim)
	if err != nil {
		return way{}, err
	}
	d, err := b.start(ctx, s, sim.URL, sim.URL, "")
	return way{d, sim, sim}, err
}

// relay points an SDK at the gateway's relay, with a token of the scope wechat.
func (b *testbed) relay(ctx context.Context, s sdk) (way, error) {
	g, err := b.gateway(ctx, "http://127.0.0.1:9/push")
	if err != nil {
		return way{}, err
	}
	admin, err := record("http://" + g.Admin)
	if err != nil {
		return way{}, err
	}
	base := admin.URL + "/wx/" + rig.AppID
	d, err := b.start(ctx, s, base, base, relayBearer)
	return way{d, admin, admin}, err
}

// byToken points an SDK at the simulator, with access tokens that the gateway gives to
// the scope token.
func (b *testbed) byToken(ctx context.Context, s sdk) (way, error) {
	g, err := b.gateway(ctx, "http://127.0.0.1:9/push")
	if err != nil {
		return way{}, err
	}
	admin, err := record("http://" + g.Admin)
	if err != nil {
		return way{}, err
	}
	sim, err := record(b.sim)
	if err != nil {
		return way{}, err
	}
	d, err := b.start(ctx, s, sim.URL, admin.URL+"/wx/"+rig.AppID, tokenBearer)
	return way{d, sim, admin}, err
}

// take gives how many calls the SDK sent since the last time, and how often it asked
// for an access token.
func (w way) take() (calls, tokens int) {
	calls, tokens = w.sent.take()
	if w.tokens != w.sent {
		_, tokens = w.tokens.take()
	}
	return calls, tokens
}

// control calls the simulator's own interface.
func (b *testbed) control(ctx context.Context, name string, body any) (map[string]any, error) {
	var fields map[string]any
	return fields, post(ctx, b.sim+"/sim/"+name, body, &fields)
}

// clearFaults ends those that were injected.
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

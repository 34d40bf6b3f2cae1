package wechat

import (
	"context"
	"slices"
	"strings"
	"time"
)

// AppStatus is the state of an app's circuit breakers and of its access token.
type AppStatus struct {
	AppID string

	// Circuits are the states of the circuit breakers by bulkhead (login, api, token,
	// relay): closed, half-open or open.
	Circuits map[string]string

	// TokenExpires is the expiry of the shared access token; zero: there is none, since
	// no call has needed one. A new token is valid for two hours.
	TokenExpires time.Time
}

// statusTokenAge is the maximum age of the cached access token that Status reports.
const statusTokenAge = 30 * time.Second

// Status returns the status of each configured app, sorted by appid. It doesn't call
// WeChat, and reads the token store only if the cached token is older than
// statusTokenAge.
func (c *Client) Status(ctx context.Context) []AppStatus {
	apps := c.current.Load().apps
	all := make([]AppStatus, 0, len(apps))
	for _, a := range apps {
		all = append(all, AppStatus{AppID: a.ID, Circuits: a.breakers.states(), TokenExpires: c.tokenExpires(ctx, a)})
	}
	slices.SortFunc(all, func(a, b AppStatus) int { return strings.Compare(a.AppID, b.AppID) })
	return all
}

func (b breakers) states() map[string]string {
	states := make(map[string]string, len(b))
	for class, breaker := range b {
		states[string(class)] = breaker.State().String()
	}
	return states
}

func (c *Client) tokenExpires(ctx context.Context, a *app) time.Time {
	t, loaded := a.token.get()
	if c.now().Sub(loaded) >= statusTokenAge {
		t = c.loadToken(ctx, a)
	}
	if t.value == "" || !c.now().Before(t.expires) {
		return time.Time{}
	}
	return t.expires
}

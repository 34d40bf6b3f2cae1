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

	// Circuits are the circuit breakers' states by class of calls (login, api, token,
	// relay): closed, half-open or open.
	Circuits map[string]string

	// TokenExpires is the end of the shared access token; zero: none is known, it was not
	// needed yet. WeChat doesn't report when a token was issued: a new one lasts two hours.
	TokenExpires time.Time
}

// statusTokenAge is how old the copy of an access token may be that Status reports.
const statusTokenAge = 30 * time.Second

// Status reports on each configured app, in the order of their appids. It doesn't call
// WeChat, and asks the store for an access token only where this process's copy is old.
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

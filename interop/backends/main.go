// Command backends puts real servers, from the system's packages and configured as
// permissively as possible, behind the gateway, and sends requests that try to
// impersonate a user or to reach a forbidden path. It also sends the same bytes directly
// to the servers: an attack that doesn't succeed there either proves nothing.
package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"wxgate/interop/rig"
)

func main() { rig.Main(4*time.Minute, run) }

func run(ctx context.Context, r *rig.Rig) error {
	backends, err := startAll(ctx, r)
	if err != nil {
		return err
	}
	g, err := r.Gateway(ctx, routes(backends), nil)
	if err != nil {
		return err
	}
	t := trial{r: r, g: g, backends: backends}
	if t.token, t.openid, err = g.Login(ctx, http.DefaultClient, "alice"); err != nil {
		return err
	}
	if err := t.checkLegitimate(ctx); err != nil {
		return err
	}
	if err := t.comparePaths(ctx); err != nil {
		return err
	}
	if err := t.runAttacks(ctx, "the identity that the backend sees: directly → through the gateway", identityRequests(), t.spoofed, t.impersonated); err != nil {
		return err
	}
	return t.runAttacks(ctx, "the area that the request reaches: directly → through the gateway", pathAttacks, reachedAdmin, t.reachedForbidden)
}

// routes returns three routes for each backend: without authentication, for users, and for
// a role that no user has.
func routes(backends []backend) string {
	var b strings.Builder
	b.WriteString("routes:\n")
	for _, x := range backends {
		for _, rule := range []string{"path: /public/, auth: none", "path: /api/", "path: /api/admin/, require: {roles: [admin]}"} {
			fmt.Fprintf(&b, "  - {host: %s, %s, upstreams: [\"http://%s\"]}\n", x.host(), rule, x.address)
		}
	}
	return b.String()
}

package session_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"wxgate/secret"
	"wxgate/session"
)

// A user logs in, calls, and logs out. Without addresses the store is within
// the process.
func Example() {
	ctx := context.Background()
	store, err := session.Open(session.Config{
		Apps:     []string{"wx0123456789abcdef"},
		Secrets:  []secret.Text{secret.Text(strings.Repeat("k", session.MinSecret))}, // better: 32 random bytes
		CacheTTL: 5 * time.Second, StaleIfError: 5 * time.Minute, RenewBefore: 30 * time.Minute,
	})
	if err != nil {
		panic(err)
	}
	defer store.Close()

	token, _, first, err := store.Login(ctx, session.Login{AppID: "wx0123456789abcdef", OpenID: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", SessionKey: "from WeChat"})
	if err != nil {
		panic(err)
	}
	fmt.Println("new:", first, "for", token.ExpiresIn)

	auth, err := store.Authenticate(ctx, token.Value.Reveal())
	fmt.Println(auth.Session.OpenID, err)

	_, _ = store.End(ctx, auth.Session.ID, session.CauseLogout)
	_, err = store.Authenticate(ctx, token.Value.Reveal())
	fmt.Println(errors.Is(err, session.ErrSessionEnded))
	// Output:
	// new: true for 2h0m0s
	// oUpF8uMuAJO_M2pxb1Q9zNjWeS6o <nil>
	// true
}

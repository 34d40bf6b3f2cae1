package proxy

import (
	"errors"
	"net/http"
	"time"

	"wxgate/apierror"
	"wxgate/session"
)

// useNonce refuses a proof that was used before. While Redis is
// unreachable, GET and HEAD pass unless this instance has seen the nonce.
func (g *Gateway) useNonce(rc *requestContext, nonce string, until time.Time) error {
	first, err := g.Sessions.UseNonce(rc.r.Context(), rc.session(), nonce, until)
	reads := rc.r.Method == http.MethodGet || rc.r.Method == http.MethodHead
	switch {
	case err != nil && !(errors.Is(err, session.ErrUnavailable) && reads):
		return err
	case !first:
		return apierror.New(apierror.ProofReplayed, "this proof was used before: sign each request anew")
	}
	return nil
}

package proxy

import (
	"errors"
	"net/http"
	"time"

	"wxgate/apierror"
	"wxgate/session"
)

// useNonce refuses a proof whose nonce was used before. While Redis can't be reached, it
// accepts GET and HEAD unless this instance has seen the nonce.
func (g *Gateway) useNonce(rs *requestState, nonce string, until time.Time) error {
	first, err := g.Sessions.UseNonce(rs.r.Context(), rs.session(), nonce, until)
	readOnly := rs.r.Method == http.MethodGet || rs.r.Method == http.MethodHead
	switch {
	case err != nil && !(errors.Is(err, session.ErrUnavailable) && readOnly):
		return err
	case !first:
		return apierror.New(apierror.ProofReplayed, "this proof was used before: sign each request anew")
	}
	return nil
}

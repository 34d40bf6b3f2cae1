package proxy

import (
	"net/http"
	"time"

	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/internal/httprule"
	"wxgate/proxy/proof"
	"wxgate/session"
)

// ProofMode says whether a route requires requests that are signed with the WeChat key of
// the user.
type ProofMode string

const (
	ProofOff    ProofMode = "off"    // also the empty string
	ProofReport ProofMode = "report" // verify and count, refuse nothing
	ProofSign   ProofMode = "sign"
)

// checkProof refuses a request without a valid proof; with ProofReport it only counts
// them. It is the last check, since it costs the most.
func (g *Gateway) checkProof(rs *requestState) error {
	if rs.route.Proof == "" || rs.route.Proof == ProofOff {
		return nil
	}
	err := g.verifyProof(rs)
	outcome := "ok"
	if err != nil {
		outcome = string(apierror.From(err).Code)
	}
	g.Metrics.proofs.WithLabelValues(rs.route.Name, outcome).Inc()
	if rs.route.Proof == ProofSign {
		return err
	}
	if err != nil {
		g.Log.Debug("proof: sign would refuse this request", zap.String("route", rs.route.Name), zap.String("request_id", rs.id), zap.Error(err))
	}
	return nil
}

// verifyProof verifies the signature before it reads the body, and uses the nonce last,
// when the request is valid in everything else.
func (g *Gateway) verifyProof(rs *requestState) error {
	p, err := readProof(rs.r)
	if err != nil {
		return err
	}
	key, err := g.userKey(rs.r.Context(), rs.session(), p.Version)
	if err != nil {
		return err
	}
	if !rs.verifySignature(p, key) {
		return proofInvalid()
	}
	now := g.Now()
	signedAt := time.Unix(p.Time, 0)
	if skew := now.Sub(signedAt); skew > proof.MaxSkew || skew < -proof.MaxSkew {
		e := apierror.New(apierror.ProofClock, "the client's clock is off")
		e.Time = now.Unix()
		return e
	}
	if err := rs.checkSignedBody(p.BodyHash); err != nil {
		return err
	}
	return g.useNonce(rs, p.Nonce, signedAt.Add(proof.NonceLifetime))
}

// readProof parses the header, which must be sent exactly once. Content-Encoding and
// trailers are refused: a backend would process something that was not signed.
func readProof(r *http.Request) (proof.Proof, error) {
	lines := r.Header[proof.Header]
	switch {
	case len(lines) == 0:
		return proof.Proof{}, apierror.New(apierror.ProofRequired, "this request must be signed with WeChat's user key")
	case len(r.Header["Content-Encoding"]) > 0 || len(r.Trailer) > 0:
		return proof.Proof{}, apierror.New(apierror.BadRequest, "a signed request has no Content-Encoding and no trailers")
	case len(lines) > 1:
		return proof.Proof{}, proofInvalid()
	}
	p, err := proof.Parse(lines[0])
	if err != nil {
		return p, proofInvalid().WithCause(err)
	}
	return p, nil
}

func proofInvalid() *apierror.Error {
	return apierror.New(apierror.ProofInvalid, "the proof is malformed, or not for this request")
}

// verifySignature reports whether the signature is valid for the request, at one of the
// public origins: a proxy in front may have changed Host.
func (rs *requestState) verifySignature(p proof.Proof, key session.UserKey) bool {
	target, _ := httprule.OriginForm(rs.r)
	request := proof.Request{Method: rs.r.Method, Target: target}
	k := proof.Key{EncryptKey: [16]byte([]byte(key.Key.Reveal())), IV: key.IV}
	for _, origin := range rs.publicOrigins() {
		request.Host = origin.Host()
		for _, request.ContentType = range rs.signedContentTypes(p) {
			if p.Verify(k, request) {
				return true
			}
		}
	}
	return false
}

// signedContentTypes returns the values of Content-Type that the signature may cover. The
// caller of wx.uploadFile does not know the multipart boundary, so that the signature of
// an upload may cover the type without its parameters.
func (rs *requestState) signedContentTypes(p proof.Proof) []string {
	received := rs.r.Header.Get("Content-Type")
	if p.BodyHash == proof.Unsigned && isFormData(received) {
		return []string{received, formData}
	}
	return []string{received}
}

// publicOrigins returns the origins at which the client may have sent the request.
func (rs *requestState) publicOrigins() []httprule.Origin {
	if len(rs.config.PublicOrigins) > 0 {
		return rs.config.PublicOrigins
	}
	own, err := httprule.NewOrigin(rs.scheme(), rs.publicHost())
	if err != nil {
		return nil
	}
	return []httprule.Origin{own}
}

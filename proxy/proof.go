package proxy

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/internal/httprule"
	"wxgate/proxy/proof"
	"wxgate/session"
)

// ProofMode says whether a route wants its requests signed with the key that
// WeChat gives each user.
type ProofMode string

const (
	ProofOff    ProofMode = "off" // also the empty string
	ProofReport ProofMode = "report"
	ProofSign   ProofMode = "sign"
)

// checkProof refuses a request without a good proof; with ProofReport it only
// counts. It comes behind all that is cheaper.
func (g *Gateway) checkProof(rc *requestContext) error {
	if rc.route.Proof == "" || rc.route.Proof == ProofOff {
		return nil
	}
	err := g.verifyProof(rc)
	outcome := "ok"
	if err != nil {
		outcome = string(apierror.From(err).Code)
	}
	g.Metrics.proofs.WithLabelValues(rc.route.Name, outcome).Inc()
	if rc.route.Proof == ProofSign {
		return err
	}
	if err != nil {
		g.Log.Debug("a proof would be refused", zap.String("route", rc.route.Name), zap.String("request_id", rc.id), zap.Error(err))
	}
	return nil
}

// verifyProof: the signature is checked before the body is read, and the nonce
// is used up last, by a request that is good in everything else.
func (g *Gateway) verifyProof(rc *requestContext) error {
	p, err := readProof(rc.r)
	if err != nil {
		return err
	}
	key, err := g.userKey(rc.r.Context(), rc.session(), p.Version)
	if err != nil {
		return err
	}
	if !rc.signed(p, key) {
		return proofInvalid()
	}
	now := g.Now()
	signedAt := time.Unix(p.Time, 0)
	if skew := now.Sub(signedAt); skew > proof.MaxSkew || skew < -proof.MaxSkew {
		e := apierror.New(apierror.ProofClock, "the client's clock is off")
		e.Time = now.Unix()
		return e
	}
	if err := rc.checkSignedBody(p.BodyHash); err != nil {
		return err
	}
	return g.useNonce(rc, p.Nonce, signedAt.Add(proof.NonceLifetime))
}

// readProof takes the header, once, from a request whose body is what was
// signed: no coding that a backend would take off, nothing behind it.
func readProof(r *http.Request) (proof.Proof, error) {
	lines := r.Header[proof.Header]
	switch {
	case len(lines) == 0:
		return proof.Proof{}, apierror.New(apierror.ProofRequired, "this call must be signed with WeChat's user key")
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

// signed reports whether the proof was made for the request. Where a proxy in
// front has changed Host it was made for one of the public origins.
func (rc *requestContext) signed(p proof.Proof, key session.UserKey) bool {
	target, _ := httprule.OriginForm(rc.r)
	request := proof.Request{Method: rc.r.Method, Target: target}
	k := proof.Key{EncryptKey: [16]byte([]byte(key.Key.Reveal())), IV: key.IV}
	for _, origin := range rc.publicOrigins() {
		request.Host = origin.Host()
		for _, request.ContentType = range rc.signedTypes(p) {
			if p.Verify(k, request) {
				return true
			}
		}
	}
	return false
}

// signedTypes is what the proof may hold for Content-Type. wx.uploadFile tells
// nobody the boundary that it writes, so an unsigned upload's type may stand
// without its parameters.
func (rc *requestContext) signedTypes(p proof.Proof) []string {
	received := rc.r.Header.Get("Content-Type")
	if p.BodyHash == proof.Unsigned && isFormData(received) {
		return []string{received, formData}
	}
	return []string{received}
}

// publicOrigins is where the client may have sent the request.
func (rc *requestContext) publicOrigins() []httprule.Origin {
	if len(rc.config.PublicOrigins) > 0 {
		return rc.config.PublicOrigins
	}
	own, err := httprule.NewOrigin(rc.scheme(), rc.publicHost())
	if err != nil {
		return nil
	}
	return []httprule.Origin{own}
}

// checkSignedBody reads the body, which is the forwarded one from then on, and
// compares it with its hash. A body that a hash is no part of passes unread.
func (rc *requestContext) checkSignedBody(hash string) error {
	if hash == proof.Unsigned {
		if rc.route.UnsignedUploads && isFormData(rc.r.Header.Get("Content-Type")) {
			return nil
		}
		return proofInvalid()
	}
	body, err := rc.readSignedBody()
	if err != nil {
		return err
	}
	if proof.HashBody(body) != hash {
		return proofInvalid()
	}
	return nil
}

// signedBodyTime bounds the time for a body that is held until it is checked.
const signedBodyTime = time.Minute

// readSignedBody gives the whole body, and puts back what it read.
func (rc *requestContext) readSignedBody() ([]byte, error) {
	r := rc.r
	if r.ContentLength == 0 {
		return nil, nil
	}
	limits := routeBodyLimits(r)
	limits.stall, limits.total = bodyStall, signedBodyTime
	limited := new(requestBody)
	limited.begin(rc, 0, limits, nil)
	defer limited.detach()
	body, err := io.ReadAll(io.LimitReader(limited, proof.MaxBody+1))
	rest := r.Body
	r.Body = readCloser{io.MultiReader(bytes.NewReader(body), rest), rest}
	switch {
	case err != nil:
		return nil, bodyError(err)
	case len(body) > proof.MaxBody:
		return nil, bodyTooLarge()
	case len(r.Trailer) > 0:
		return nil, apierror.New(apierror.BadRequest, "a signed request has no trailers")
	}
	r.ContentLength = int64(len(body))
	return body, nil
}

// readCloser reads from one and closes the other.
type readCloser struct {
	io.Reader
	io.Closer
}

const formData = "multipart/form-data"

func isFormData(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(kind), formData)
}

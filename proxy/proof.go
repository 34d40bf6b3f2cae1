package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"
	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"

	"wxgate/apierror"
	"wxgate/internal/httprule"
	"wxgate/proxy/proof"
	"wxgate/proxy/ratelimit"
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
		return p, proofInvalid().Because(err)
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
	if len(rc.state.PublicOrigins) > 0 {
		return rc.state.PublicOrigins
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

// useNonce refuses a proof that was used before. While Redis is away requests
// that change nothing pass by what this instance remembers.
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

// keyFetches are the questions for users' keys: one at a time for each user,
// and what went wrong with the last one, for those who come too soon after it.
type keyFetches struct {
	underWay singleflight.Group
	failed   *otter.Cache[string, error]
}

const maxFailedFetches = 10_000

func newKeyFetches() keyFetches {
	return keyFetches{failed: otter.Must(&otter.Options[string, error]{
		MaximumSize: maxFailedFetches, ExpiryCalculator: otter.ExpiryWriting[string, error](keyFetchEvery),
	})}
}

func (f *keyFetches) do(user string, fetch func() error) error {
	_, err, _ := f.underWay.Do(user, func() (any, error) {
		if err, ok := f.failed.GetIfPresent(user); ok {
			return nil, err
		}
		err := fetch()
		if err != nil {
			f.failed.Set(user, err)
		}
		return nil, err
	})
	return err
}

// keyFetchEvery is how often one user's keys are asked of WeChat for a version
// that isn't known.
const keyFetchEvery = 10 * time.Second

// userKey gives a version of the user's key: one that is known, or what WeChat
// says now.
func (g *Gateway) userKey(ctx context.Context, s *session.Session, version int64) (session.UserKey, error) {
	key, err := g.Sessions.UserKey(ctx, s, version)
	if !errors.Is(err, session.ErrNotFound) {
		return key, err
	}
	user := ratelimit.User(s)
	if err := g.keyFetches.do(user, func() error { return g.fetchUserKeys(context.WithoutCancel(ctx), s, user) }); err != nil {
		return session.UserKey{}, err
	}
	key, err = g.Sessions.UserKey(ctx, s, version)
	if errors.Is(err, session.ErrNotFound) {
		return key, proofStale()
	}
	return key, err
}

// fetchUserKeys asks WeChat, in the name of the user's newest session_key,
// unless that was done moments ago.
func (g *Gateway) fetchUserKeys(ctx context.Context, s *session.Session, user string) error {
	if _, ok := g.Sessions.Allow(ctx, "user keys:"+user, session.Rate{Count: 1, Per: keyFetchEvery}); !ok {
		return nil
	}
	sessionKey, err := g.Sessions.LatestSessionKey(ctx, s.AppID, s.OpenID)
	if errors.Is(err, session.ErrNotFound) {
		return apierror.New(apierror.SessionKeyStale, "session_key is not known any more, call wx.login again").Because(err)
	}
	if err != nil {
		return err
	}
	fetched, err := g.WeChat.UserKeys(ctx, s.AppID, s.OpenID, sessionKey)
	if err != nil {
		return err
	}
	keys := make([]session.UserKey, len(fetched))
	for i, k := range fetched {
		keys[i] = session.UserKey(k)
	}
	return g.Sessions.SaveUserKeys(ctx, s, keys)
}

func proofStale() *apierror.Error {
	return apierror.New(apierror.ProofStale, "the key is over or not known: fetch the latest one")
}

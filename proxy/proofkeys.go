package proxy

import (
	"context"
	"errors"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"wxgate/apierror"
	"wxgate/proxy/ratelimit"
	"wxgate/session"
)

// keyFetches fetches users' keys from WeChat, one fetch at a time for each user. It caches
// the error of a failed fetch for keyFetchInterval.
type keyFetches struct {
	inFlight singleflight.Group
	failed   *otter.Cache[string, error]
}

const maxFailedFetches = 10_000

func newKeyFetches() keyFetches {
	return keyFetches{failed: otter.Must(&otter.Options[string, error]{
		MaximumSize: maxFailedFetches, ExpiryCalculator: otter.ExpiryWriting[string, error](keyFetchInterval),
	})}
}

// do calls fetch, unless a fetch for the user is in progress or has failed recently, and
// returns its error.
func (f *keyFetches) do(user string, fetch func() error) error {
	_, err, _ := f.inFlight.Do(user, func() (any, error) {
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

// keyFetchInterval is the minimum time between two fetches of one user's keys.
const keyFetchInterval = 10 * time.Second

// userKey returns a version of the user's key. It fetches the keys from WeChat if the
// version is not stored.
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

// fetchUserKeys fetches the user's keys from WeChat, authorized by the user's newest
// session_key, and stores them. It does nothing if any instance has done so within
// keyFetchInterval.
func (g *Gateway) fetchUserKeys(ctx context.Context, s *session.Session, user string) error {
	if _, ok := g.Sessions.Allow(ctx, "user keys:"+user, session.Rate{Count: 1, Per: keyFetchInterval}); !ok {
		return nil
	}
	sessionKey, err := g.Sessions.LatestSessionKey(ctx, s.AppID, s.OpenID)
	if errors.Is(err, session.ErrNotFound) {
		return apierror.New(apierror.SessionKeyStale, "the session_key has expired, call wx.login again").WithCause(err)
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

// proofStale is the error of a proof whose key version is not stored.
func proofStale() *apierror.Error {
	return apierror.New(apierror.ProofStale, "the key has expired or is unknown: fetch the latest one")
}

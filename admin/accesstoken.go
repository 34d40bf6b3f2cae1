package admin

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"wxgate/apierror"
)

// The calls by which SDKs fetch an access token.
const (
	tokenPath       = "/cgi-bin/token"
	stableTokenPath = "/cgi-bin/stable_token"
)

// accessTokenAnswer is WeChat's own.
type accessTokenAnswer struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"expires_in"` // seconds
}

// accessToken answers as WeChat's own calls do. What the caller sent as appid,
// secret or force_refresh plays no part.
//
// A token with the scope token gets the shared access token, with what is left of
// its life: the one that is in force by WeChat's word, since a caller that asks again
// may have been told that the last one is dead. With the scope wechat alone it gets a placeholder, always for two hours:
// SDKs work with it unchanged, since the relay ignores it, and no access token leaves
// the gateway.
func (s *Server) accessToken(w http.ResponseWriter, r *http.Request, appid, path string) error {
	if method := map[string]string{tokenPath: "GET", stableTokenPath: "POST"}[path]; r.Method != method {
		e := apierror.New(apierror.MethodNotAllowed, "this method is not served here")
		e.Allow = method
		return e
	}
	if !tokenOf(r).has(ScopeToken) {
		writeJSON(w, http.StatusOK, accessTokenAnswer{placeholderToken(appid), 7200})
		return nil
	}
	token, expires, err := s.WeChat.CheckedAccessToken(r.Context(), appid)
	if err != nil {
		return err
	}
	s.audit(r, ScopeToken, auditEntry{Action: actionAccessToken, AppID: appid}, nil)
	writeJSON(w, http.StatusOK, accessTokenAnswer{token.Reveal(), int64(time.Until(expires) / time.Second)})
	return nil
}

// placeholderToken follows from the appid alone and opens nothing. It looks like an
// access token to SDKs that check its length.
func placeholderToken(appid string) string {
	sum := sha256.Sum256([]byte("wxgate placeholder access token " + appid))
	return "wxgate_placeholder_" + hex.EncodeToString(sum[:])
}

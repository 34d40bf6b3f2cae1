package admin

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"wxgate/apierror"
)

// The WeChat API paths by which SDKs fetch an access token.
const (
	tokenPath       = "/cgi-bin/token"
	stableTokenPath = "/cgi-bin/stable_token"
)

// accessTokenResponse has the fields of WeChat's response.
type accessTokenResponse struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"expires_in"` // seconds
}

// serveAccessToken handles WeChat's own calls for an access token. It ignores the
// appid, secret and force_refresh of the request.
//
// With the scope token the response is the shared access token and its remaining
// lifetime. CheckedAccessToken asks WeChat whether it is still valid: the caller may
// repeat the request because WeChat has rejected the token. With the scope wechat alone the response is
// a placeholder, always valid for two hours: SDKs work with it unchanged, since the
// relay ignores it, and no access token leaves the gateway.
func (s *Server) serveAccessToken(w http.ResponseWriter, r *http.Request, appid, path string) error {
	if method := map[string]string{tokenPath: "GET", stableTokenPath: "POST"}[path]; r.Method != method {
		e := apierror.New(apierror.MethodNotAllowed, "this method is not served here")
		e.Allow = method
		return e
	}
	if !tokenFrom(r).hasScope(ScopeToken) {
		writeJSON(w, http.StatusOK, accessTokenResponse{placeholderToken(appid), 7200})
		return nil
	}
	token, expires, err := s.WeChat.CheckedAccessToken(r.Context(), appid)
	if err != nil {
		return err
	}
	s.audit(r, ScopeToken, auditEntry{Action: actionAccessToken, AppID: appid}, nil)
	writeJSON(w, http.StatusOK, accessTokenResponse{token.Reveal(), int64(time.Until(expires) / time.Second)})
	return nil
}

// placeholderToken returns the placeholder for an appid, which is no credential. It
// is long enough for SDKs that check the length of an access token.
func placeholderToken(appid string) string {
	sum := sha256.Sum256([]byte("wxgate placeholder access token " + appid))
	return "wxgate_placeholder_" + hex.EncodeToString(sum[:])
}

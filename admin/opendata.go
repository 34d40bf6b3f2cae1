package admin

import (
	"encoding/json"
	"net/http"

	"wxgate/apierror"
	"wxgate/wechat"
)

// decrypt answers POST /api/users/{appid}/{openid}/decrypt with the open data
// that the user's session_key opens. It does not prove who made the data: AES-CBC is
// malleable, and whoever sent data and iv can have changed what they say.
func (s *Server) decrypt(w http.ResponseWriter, r *http.Request) error {
	var req struct {
		EncryptedData string `json:"encrypted_data"`
		IV            string `json:"iv"`
	}
	if err := readJSON(r, &req); err != nil {
		return err
	}
	if req.EncryptedData == "" || req.IV == "" {
		return apierror.New(apierror.BadRequest, "encrypted_data and iv are both asked for")
	}
	appid, openid := userOf(r)
	data, err := s.openData(r, appid, openid, req.EncryptedData, req.IV)
	s.audit(r, ScopeWeChat, auditEntry{Action: actionDecrypt, AppID: appid, OpenID: openid}, err)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, data)
	return nil
}

func (s *Server) openData(r *http.Request, appid, openid, data, iv string) (json.RawMessage, error) {
	key, err := s.Sessions.LatestSessionKey(r.Context(), appid, openid)
	if err != nil {
		return nil, err
	}
	return s.WeChat.OpenData(r.Context(), appid, openid, key, data, iv)
}

// sign answers POST /api/users/{appid}/{openid}/sign with the message's
// HMAC-SHA256 under the session_key, in hex.
func (s *Server) sign(w http.ResponseWriter, r *http.Request) error {
	var req struct {
		Message *string `json:"message"`
	}
	if err := readJSON(r, &req); err != nil {
		return err
	}
	if req.Message == nil || *req.Message == "" {
		// The signature of the empty message is what WeChat's own session calls ask for.
		return apierror.New(apierror.BadRequest, "message is missing or empty")
	}
	appid, openid := userOf(r)
	key, err := s.Sessions.LatestSessionKey(r.Context(), appid, openid)
	s.audit(r, ScopeWeChat, auditEntry{Action: actionSign, AppID: appid, OpenID: openid}, err)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]string{"signature": wechat.Sign(key, *req.Message)})
	return nil
}

package admin

import (
	"encoding/json"
	"net/http"

	"wxgate/apierror"
	"wxgate/wechat"
)

// decrypt handles POST /api/users/{appid}/{openid}/decrypt: it decrypts open data with
// the user's session_key. That does not prove that WeChat made the data: AES-CBC is
// malleable, and the sender of data and iv may have changed their content.
func (s *Server) decrypt(w http.ResponseWriter, r *http.Request) error {
	var req struct {
		EncryptedData string `json:"encrypted_data"`
		IV            string `json:"iv"`
	}
	if err := readJSON(r, &req); err != nil {
		return err
	}
	if req.EncryptedData == "" || req.IV == "" {
		return apierror.New(apierror.BadRequest, "encrypted_data and iv are both required")
	}
	appid, openid := userFromPath(r)
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

// sign handles POST /api/users/{appid}/{openid}/sign: it returns the message's
// HMAC-SHA256 under the session_key, in hex.
func (s *Server) sign(w http.ResponseWriter, r *http.Request) error {
	var req struct {
		Message *string `json:"message"`
	}
	if err := readJSON(r, &req); err != nil {
		return err
	}
	if req.Message == nil || *req.Message == "" {
		// WeChat's own session calls are authorized by the signature of the empty message.
		return apierror.New(apierror.BadRequest, "message is missing or empty")
	}
	appid, openid := userFromPath(r)
	key, err := s.Sessions.LatestSessionKey(r.Context(), appid, openid)
	s.audit(r, ScopeWeChat, auditEntry{Action: actionSign, AppID: appid, OpenID: openid}, err)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]string{"signature": wechat.Sign(key, *req.Message)})
	return nil
}

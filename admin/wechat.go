package admin

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"

	"wxgate/fault"
	"wxgate/wechat"
)

// decrypt answers POST /api/users/{appid}/{openid}/decrypt with the open data
// that the user's session_key opens.
func (s *Server) decrypt(w http.ResponseWriter, r *http.Request) error {
	var req struct {
		EncryptedData string `json:"encrypted_data"`
		IV            string `json:"iv"`
	}
	if err := readJSON(r, &req); err != nil {
		return err
	}
	if req.EncryptedData == "" || req.IV == "" {
		return fault.New(fault.BadRequest, "encrypted_data and iv are both asked for")
	}
	appid, openid := userOf(r)
	key, err := s.Sessions.LatestSessionKey(r.Context(), appid, openid)
	if err != nil {
		return err
	}
	data, err := s.WeChat.OpenData(r.Context(), appid, openid, key, req.EncryptedData, req.IV)
	s.audit(r, "decrypt", err, zap.String("appid", appid), zap.String("openid", openid))
	if err != nil {
		return err
	}
	writeJSON(w, data)
	return nil
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
	if req.Message == nil {
		return fault.New(fault.BadRequest, "message is missing")
	}
	appid, openid := userOf(r)
	key, err := s.Sessions.LatestSessionKey(r.Context(), appid, openid)
	s.audit(r, "sign", err, zap.String("appid", appid), zap.String("openid", openid))
	if err != nil {
		return err
	}
	writeJSON(w, map[string]string{"signature": wechat.Sign(key, *req.Message)})
	return nil
}

// relay answers ANY /wx/{appid}/{path}: WeChat's API with the access token
// added. The answer is WeChat's own.
func (s *Server) relay(w http.ResponseWriter, r *http.Request) error {
	appid, path := chi.URLParam(r, "appid"), "/"+chi.URLParam(r, "*")
	listed, served := s.Config().Relay[appid]
	if !served {
		return wechat.ErrUnknownApp
	}
	if path == "/cgi-bin/token" || path == "/cgi-bin/stable_token" {
		return s.accessToken(w, r, appid, path)
	}
	if wechat.IsSecretCall(path) {
		return fault.New(fault.Forbidden, "calls that take the AppSecret are the gateway's own")
	}
	if !slices.ContainsFunc(listed, func(rule string) bool { return covers(rule, path) }) {
		return fault.New(fault.Forbidden, "this path is not in the app's relay list")
	}
	return s.send(w, r, appid, path)
}

// covers holds a path against a rule of the relay list.
func covers(rule, path string) bool {
	rule = "/" + strings.TrimPrefix(rule, "/")
	if below, ok := strings.CutSuffix(rule, "*"); ok {
		return strings.HasPrefix(path, below)
	}
	return path == rule
}

// accessToken answers as WeChat's own calls do, from the shared cache. What
// the caller sent as appid, secret or force_refresh plays no part.
func (s *Server) accessToken(w http.ResponseWriter, r *http.Request, appid, path string) error {
	if method := map[string]string{"/cgi-bin/token": "GET", "/cgi-bin/stable_token": "POST"}[path]; r.Method != method {
		f := fault.New(fault.MethodNotAllowed, "this method is not served here")
		f.Allow = method
		return f
	}
	token, expires, err := s.WeChat.AccessToken(r.Context(), appid)
	if err != nil {
		return err
	}
	s.audit(r, "access_token", nil, zap.String("appid", appid))
	writeJSON(w, map[string]any{"access_token": token.Reveal(), "expires_in": int64(time.Until(expires) / time.Second)})
	return nil
}

// send passes the call on and the answer back, both as they come.
func (s *Server) send(w http.ResponseWriter, r *http.Request, appid, path string) error {
	out := r.Clone(r.Context())
	out.URL.Path, out.URL.RawPath = path, ""
	if raw := r.URL.EscapedPath(); raw != r.URL.Path {
		_, out.URL.RawPath, _ = strings.Cut(strings.TrimPrefix(raw, "/wx/"), "/")
		out.URL.RawPath = "/" + out.URL.RawPath
	}
	res, err := s.WeChat.Relay(appid).RoundTrip(out)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	for _, name := range relayed {
		if values := res.Header.Values(name); len(values) > 0 {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(res.StatusCode)
	if _, err := io.Copy(w, res.Body); err != nil {
		panic(http.ErrAbortHandler) // half an answer must not pass for a whole one
	}
	return nil
}

// relayed are the headers of WeChat's answer that reach the caller.
var relayed = []string{
	"Content-Type", "Content-Length", "Content-Disposition", "Content-Range", "Cache-Control", "Date",
	"Wechatmp-Appid", "Wechatmp-Timestamp", "Wechatmp-Serial", "Wechatmp-Signature",
	"Wechatmp-Serial-Deprecated", "Wechatmp-Signature-Deprecated",
}

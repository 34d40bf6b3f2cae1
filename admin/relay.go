package admin

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/wechat"
)

// relay answers ANY /wx/{appid}/{path}: WeChat's API with the access token
// added. The answer is WeChat's own.
func (s *Server) relay(w http.ResponseWriter, r *http.Request) error {
	appid, path := chi.URLParam(r, "appid"), "/"+chi.URLParam(r, "*")
	if err := s.checkApp(appid); err != nil {
		return err
	}
	if !isAPIPath(path) {
		return apierror.New(apierror.BadPath, "a path of the WeChat API has letters, digits, - _ . and / only")
	}
	if path == "/cgi-bin/token" || path == "/cgi-bin/stable_token" {
		return s.accessToken(w, r, appid, path)
	}
	if wechat.IsSecretCall(path) {
		return apierror.New(apierror.Forbidden, "calls that take the AppSecret are the gateway's own")
	}
	if !slices.ContainsFunc(s.config().Relay[appid], func(rule string) bool { return matchesRule(rule, path) }) {
		return apierror.New(apierror.Forbidden, "this path is not in the app's relay list")
	}
	return s.send(w, r, appid, path)
}

// isAPIPath refuses characters that WeChat's own paths never have: what a
// server makes of "token;x" or "%74oken" is not for callers to try out.
func isAPIPath(path string) bool {
	return !strings.ContainsFunc(path, func(c rune) bool {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		return !letter && !strings.ContainsRune("-_./", c)
	})
}

// matchesRule compares a path against a rule of the relay list.
func matchesRule(rule, path string) bool {
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
		e := apierror.New(apierror.MethodNotAllowed, "this method is not served here")
		e.Allow = method
		return e
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
	out.URL.Path = path
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
	"X-Openapi-Seqid", "X-Rid", "Wechatmp-Appid", "Wechatmp-Timestamp", "Wechatmp-Serial", "Wechatmp-Signature",
	"Wechatmp-Serial-Deprecated", "Wechatmp-Signature-Deprecated",
}

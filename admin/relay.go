package admin

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"wxgate/apierror"
	"wxgate/internal/httprule"
)

// isRelay says whether a request is for WeChat's API.
func isRelay(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/wx/") }

// relayErrcodes plus an error's status is its errcode: SDKs judge by that alone, and
// none of these makes one fetch a new access token.
const relayErrcodes = 99000

// relayError is an error as both WeChat and the gateway would say it.
type relayError struct {
	Errcode int    `json:"errcode"`
	Errmsg  string `json:"errmsg"`
	apierror.Body
}

func newRelayError(e *apierror.Error, requestID string) relayError {
	return relayError{
		Errcode: relayErrcodes + e.Code.Status(),
		Errmsg:  fmt.Sprintf("wxgate: %s: %s, rid: %s", e.Code, e.Message, requestID),
		Body:    apierror.Body{Error: e.Code, Message: e.Message, RequestID: requestID},
	}
}

// relay answers ANY /wx/{appid}/{path}: WeChat's API with the access token
// added. The answer is WeChat's own.
func (s *Server) relay(w http.ResponseWriter, r *http.Request) error {
	appid, path := chi.URLParam(r, "appid"), "/"+chi.URLParam(r, "*")
	if err := s.checkApp(appid); err != nil {
		return err
	}
	if httprule.NeverForwarded(r.Method) {
		e := apierror.New(apierror.MethodNotAllowed, "this method is never relayed") // a TRACE repeats the access token
		e.Allow = strings.Join(httprule.DefaultMethods(), ", ")
		return e
	}
	if !isAPIPath(path) {
		return apierror.New(apierror.BadPath, "a path of the WeChat API has letters, digits, - _ . and / only")
	}
	if path == tokenPath || path == stableTokenPath {
		return s.accessToken(w, r, appid, path)
	}
	if e := s.mayRelay(r, appid, path); e != nil {
		return e
	}
	return s.send(w, r, appid, path)
}

func (s *Server) mayRelay(r *http.Request, appid, path string) error {
	switch {
	case !tokenOf(r).has(ScopeWeChat):
		s.logAuthFailure(r, "scope", tokenOf(r).Name)
		return apierror.New(apierror.Forbidden, "this token has not the scope wechat")
	case httprule.NeverRelayed(path):
		return apierror.New(apierror.Forbidden, "calls that take the AppSecret or give keys out are the gateway's own")
	case !slices.ContainsFunc(s.config().Relay[appid], func(rule string) bool { return matchesRule(rule, path) }):
		return apierror.New(apierror.Forbidden, "this path is not in the app's relay list")
	}
	return nil
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

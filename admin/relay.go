package admin

import (
	"io"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"wxgate/apierror"
	"wxgate/internal/httprule"
)

// isRelay reports whether a request is for the relay to WeChat's API.
func isRelay(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/wx/") }

// relay handles ANY /wx/{appid}/{path}: it calls WeChat's API with the access token
// added. The response is WeChat's own.
func (s *Server) relay(w http.ResponseWriter, r *http.Request) error {
	appid, path := chi.URLParam(r, "appid"), "/"+chi.URLParam(r, "*")
	if err := s.checkApp(appid); err != nil {
		return err
	}
	if httprule.NeverForwarded(r.Method) {
		e := apierror.New(apierror.MethodNotAllowed, "this method is never relayed") // TRACE echoes the access token
		e.Allow = strings.Join(httprule.DefaultMethods(), ", ")
		return e
	}
	if !isAPIPath(path) {
		return apierror.New(apierror.BadPath, "a path of the WeChat API has letters, digits, - _ . and / only")
	}
	if path == tokenPath || path == stableTokenPath {
		return s.serveAccessToken(w, r, appid, path)
	}
	if e := s.checkRelayable(r, appid, path); e != nil {
		return e
	}
	return s.forward(w, r, appid, path)
}

// forward sends the call to WeChat and copies the response, both as streams.
func (s *Server) forward(w http.ResponseWriter, r *http.Request, appid, path string) error {
	out := r.Clone(r.Context())
	out.URL.Path = path
	res, err := s.WeChat.Relay(appid).RoundTrip(out)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	for _, name := range relayedHeaders {
		if values := res.Header.Values(name); len(values) > 0 {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(res.StatusCode)
	if _, err := io.Copy(w, res.Body); err != nil {
		panic(http.ErrAbortHandler) // a truncated response must not look complete
	}
	return nil
}

// relayedHeaders are the headers of WeChat's response that are copied.
var relayedHeaders = []string{
	"Content-Type", "Content-Length", "Content-Disposition", "Content-Range", "Cache-Control", "Date",
	"X-Openapi-Seqid", "X-Rid", "Wechatmp-Appid", "Wechatmp-Timestamp", "Wechatmp-Serial", "Wechatmp-Signature",
	"Wechatmp-Serial-Deprecated", "Wechatmp-Signature-Deprecated",
}

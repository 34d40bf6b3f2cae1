package playground

import (
	"encoding/json"
	"net/http"
	"strings"
)

// The gateway's endpoints as `wxgate dev` configures them.
const (
	ticketPath = "/auth/ticket"
	enterPath  = "/auth/enter"
	pushPath   = "/auth/push/"
)

// WebCookie is the name of the cookie of web pages in `wxgate dev`. A __Host- name isn't
// possible: cookies of localhost are shared by all ports, and without TLS some browsers
// reject __Host- cookies.
const WebCookie = "wxgate-dev"

// credentials maps tickets and cookies of web pages to their users, since these, unlike
// tokens, don't contain the user. Guarded by Recorder.mu.
type credentials map[string]userKey

// maxCredentials bounds the number of tickets and cookies.
const maxCredentials = 1000

func (r *Recorder) storeCredential(credential string, p userKey) {
	if credential == "" || p == (userKey{}) {
		return
	}
	if r.credentials == nil || len(r.credentials) == maxCredentials {
		r.credentials = credentials{}
	}
	r.credentials[credential] = p
}

// webCredential returns the credential of a web page's request: its cookie, or the
// ticket with which it logs in.
func webCredential(req *http.Request) (credential string, found bool) {
	if req.URL.Path == enterPath {
		return req.URL.Query().Get("ticket"), true
	}
	if bearer(req.Header) != "" {
		return "", false
	}
	cookie, err := req.Cookie(WebCookie)
	if err != nil {
		return "", false
	}
	return cookie.Value, true
}

// storeCredentials stores the ticket or the cookie in a response, with its user.
// The caller holds r.mu.
func (r *Recorder) storeCredentials(c *call, w *responseRecorder) {
	switch c.request.URL.Path {
	case ticketPath:
		var body struct {
			Ticket string `json:"ticket"`
		}
		_ = json.Unmarshal(w.body.bytes(), &body) // else there is none
		r.storeCredential(body.Ticket, c.user)
	case enterPath:
		r.storeCredential(webCookieIn(w.Header()), c.user)
	}
}

func webCookieIn(h http.Header) string {
	for _, line := range h.Values("Set-Cookie") {
		pair, _, _ := strings.Cut(line, ";")
		if name, value, _ := strings.Cut(pair, "="); name == WebCookie {
			return value
		}
	}
	return ""
}

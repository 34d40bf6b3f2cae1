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

// WebCookie is the cookie of web pages in `wxgate dev`. It is not that of a real
// gateway: cookies of localhost are shared by all ports, and without TLS some
// browsers take no __Host- cookie.
const WebCookie = "wxgate-dev"

// credentials remembers which user a ticket or a cookie of a web page is of: unlike
// a token neither says it. The caller holds Recorder.mu.
type credentials map[string]person

// maxCredentials bounds the memory of tickets and cookies.
const maxCredentials = 1000

func (r *Recorder) remember(credential string, p person) {
	if credential == "" || p == (person{}) {
		return
	}
	if r.credentials == nil || len(r.credentials) == maxCredentials {
		r.credentials = credentials{}
	}
	r.credentials[credential] = p
}

// webCredential is what a web page's request came with: its cookie, or the ticket
// that it enters by.
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

// learnCredentials reads the ticket or the cookie that an answer gives to a user.
// The caller holds r.mu.
func (r *Recorder) learnCredentials(c *call, w *answerWriter) {
	switch c.request.URL.Path {
	case ticketPath:
		var answer struct {
			Ticket string `json:"ticket"`
		}
		_ = json.Unmarshal(w.body.bytes(), &answer) // else there is none
		r.remember(answer.Ticket, c.person)
	case enterPath:
		r.remember(webCookieIn(w.Header()), c.person)
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

package wechattest

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Call is a call to WeChat and its answer, fit to be shown: secrets, tokens and
// session keys read [redacted]. Codes are shown: they are used up or run out.
type Call struct {
	Time    time.Time     `json:"time"`
	AppID   string        `json:"appid,omitempty"` // where the call told
	Method  string        `json:"method"`
	API     string        `json:"api"` // the path
	Query   string        `json:"query,omitempty"`
	Body    string        `json:"body,omitempty"` // JSON bodies, up to 4 KiB
	Status  int           `json:"status"`         // 0: the connection was dropped
	Errcode int           `json:"errcode"`
	Answer  string        `json:"answer,omitempty"` // text, up to 4 KiB
	Took    time.Duration `json:"took_ns"`
}

const (
	keptCalls = 1000
	maxShown  = 4 << 10 // bytes of a body
	redacted  = "[redacted]"
)

// Calls gives the last thousand calls, oldest first.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Count says how often an API was called since the start.
func (s *Server) Count(api string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[api]
}

func (s *Server) record(r *request, a response) {
	c := Call{
		Time: r.began, Method: r.Method, API: r.URL.Path, Query: redactQuery(r.query), Body: shown(r.body),
		Status: a.status, Errcode: a.errcode, Answer: shown(a.body), Took: time.Since(r.start),
	}
	if r.app != nil {
		c.AppID = r.app.ID
	}
	s.keep(c)
	if s.onCall != nil {
		s.onCall(c)
	}
}

func (s *Server) keep(c Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[c.API]++
	if len(s.calls) == keptCalls {
		s.calls = slices.Delete(s.calls, 0, 1)
	}
	s.calls = append(s.calls, c)
}

// secretNames are the parameters and fields whose values are not shown.
var secretNames = []string{"secret", "access_token", "session_key", "encrypt_key"}

func redactQuery(q url.Values) string {
	parts := make([]string, 0, len(q))
	for name, values := range q {
		for _, v := range values {
			if slices.Contains(secretNames, name) {
				v = redacted
			}
			parts = append(parts, name+"="+v)
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "&")
}

var secretFields = regexp.MustCompile(`"(secret|access_token|session_key|encrypt_key)"\s*:\s*"[^"]*"`)

// shown is a body as text without secrets; a picture shows as nothing.
func shown(body []byte) string {
	if !utf8.Valid(body) {
		return ""
	}
	text := secretFields.ReplaceAllString(string(body), `"$1":"`+redacted+`"`)
	return strings.ToValidUTF8(text[:min(len(text), maxShown)], "")
}

package wechattest

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Call is a recorded call of WeChat with its response. Secrets, tokens and keys are
// [redacted]. Codes are not: they are used up or expire.
type Call struct {
	Time     time.Time     `json:"time"`
	AppID    string        `json:"appid,omitempty"` // empty if the call didn't say
	Method   string        `json:"method"`
	API      string        `json:"api"` // the path
	Query    string        `json:"query,omitempty"`
	Body     string        `json:"body,omitempty"` // JSON bodies, up to 4 KiB
	Status   int           `json:"status"`         // 0: the connection was dropped
	Errcode  int           `json:"errcode"`
	Response string        `json:"answer,omitempty"` // text, up to 4 KiB
	Duration time.Duration `json:"took_ns"`
}

const (
	maxCalls        = 1000
	maxRecordedBody = 4 << 10 // bytes
	redacted        = "[redacted]"
)

// Calls returns the last thousand calls, oldest first.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Count returns the number of calls of an API since the start.
func (s *Server) Count(api string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[api]
}

func (s *Server) record(r *request, res response) {
	c := Call{
		Time: r.simTime, Method: r.Method, API: r.URL.Path, Query: redactQuery(r.query), Body: redactBody(r.body),
		Status: res.status, Errcode: res.errcode, Response: redactBody(res.body), Duration: time.Since(r.start),
	}
	if r.app != nil {
		c.AppID = r.app.ID
	}
	s.appendCall(c)
	if s.onCall != nil {
		s.onCall(c)
	}
}

func (s *Server) appendCall(c Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[c.API]++
	if len(s.calls) == maxCalls {
		s.calls = slices.Delete(s.calls, 0, 1)
	}
	s.calls = append(s.calls, c)
}

// secretNames are the parameters and fields whose values are redacted.
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

// redactBody returns the start of a body without secrets; "" for a binary one.
func redactBody(body []byte) string {
	if !utf8.Valid(body) {
		return ""
	}
	text := secretFields.ReplaceAllString(string(body), `"$1":"`+redacted+`"`)
	return strings.ToValidUTF8(text[:min(len(text), maxRecordedBody)], "")
}

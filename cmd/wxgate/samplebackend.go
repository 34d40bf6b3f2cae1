package main

import (
	"encoding/json"
	"io"
	"net/http"
)

// echo is what the sample backend answers: the request as it received it.
type echo struct {
	Method  string      `json:"method"`
	Path    string      `json:"path"`
	Query   string      `json:"query,omitempty"`
	Headers http.Header `json:"headers"`
	Body    string      `json:"body,omitempty"`
}

// sampleBackend is a legacy backend in miniature: it knows nothing of WeChat
// or tokens, and shows what the gateway told it.
func sampleBackend(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		http.Error(w, "the body could not be read", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	_ = out.Encode(echo{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header, string(body)})
}

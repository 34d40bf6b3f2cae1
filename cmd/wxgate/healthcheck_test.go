package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealthcheckFailsUnlessTheStatusIs200(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status int
		fails  bool
	}{
		{http.StatusOK, false},
		{http.StatusServiceUnavailable, true},
		{http.StatusNotFound, true},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tc.status)
		}))
		err := healthcheckCommand{URL: server.URL}.Run(t.Context())
		server.Close()
		if (err != nil) != tc.fails {
			t.Errorf("status %d: %v", tc.status, err)
		}
	}
}

func TestHealthcheckErrorsDoNotContainTheURL(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	err := healthcheckCommand{URL: server.URL + "/?key=hunter2"}.Run(t.Context())
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Fatalf("error %v", err)
	}
}

package http1_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/interop/http11/probe"
)

// The cases of Http11Probe against the server with an application that accepts
// everything: what fails here would reach it.
func TestHTTP11Probe(t *testing.T) {
	t.Parallel()
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = w.Write(body)
	}, nil)
	for _, c := range probe.Cases() {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			o, err := probe.Run(s.addr, c, time.Second)
			testkit.Must(t, err)
			grade := c.Grade(o)
			if !c.Unscored && grade == probe.Failed && !applications[c.ID] {
				t.Errorf("%v, not %s", o, c.Pass)
			}
		})
	}
}

// applications are the cases that are about an application.
var applications = map[string]bool{
	"COMP-METHOD-CONNECT": true, // no server of resources has to know it
}

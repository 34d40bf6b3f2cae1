package upstream

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"wxgate/internal/fieldlist"
)

func TestInterimResponsesAreReported(t *testing.T) {
	t.Parallel()
	backend := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusNoContent)
	}
	for _, u := range []string{serve(t, backend), serveH2C(t, backend)} {
		g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
		var got []string
		r := sendCall(g, &Call{Request: request(t, "GET", "/", ""), Interim: func(status int, h fieldlist.List) error {
			got = append(got, fmt.Sprint(status, " ", h.Get("Link")))
			return nil
		}})
		if r.status != http.StatusNoContent || len(got) != 1 || got[0] != "103 </style.css>" {
			t.Errorf("%s: got %d after %q, %v", u, r.status, got, r.err)
		}
	}
}

// SM-27
func TestInterimResponsesAreLimited(t *testing.T) {
	t.Parallel()
	u := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		http.ReadRequest(r)
		for {
			if _, err := io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"); err != nil {
				return
			}
		}
	})
	g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
	n := 0
	r := sendCall(g, &Call{Request: request(t, "GET", "/", ""), Interim: func(int, fieldlist.List) error { n++; return nil }})
	if r.err == nil || n > maxInterim {
		t.Errorf("%d interim responses, %v", n, r.err)
	}
}

package http1_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"wxgate/internal/http1"
	"wxgate/internal/testkit"
)

// http2Server is what a caller hands HTTP/2 to.
func http2Server(h http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{Handler: h, Protocols: protocols}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	certificate := testkit.MustCertificate(t, testkit.CertificateOptions{Hosts: []string{"a.test", "127.0.0.1"}})
	h := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, r.Proto, " ", r.TLS != nil && r.TLS.HandshakeComplete, " ", string(body))
	}
	s := start(t, h, func(s *http1.Server) {
		s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate.TLS()}, NextProtos: []string{"h2", "http/1.1"}}
		s.HTTP2 = http2Server(s.Handler)
		s.ReadHeaderTimeout = 500 * time.Millisecond
	})
	for _, protocols := range []string{"HTTP/1.1", "HTTP/2.0"} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: certificate.Pool()}, ForceAttemptHTTP2: protocols == "HTTP/2.0"}
		defer transport.CloseIdleConnections()
		for range 3 {
			for _, body := range []string{"", "x", strings.Repeat("y", 200000)} {
				req, _ := http.NewRequest("POST", "https://"+s.addr+"/", strings.NewReader(body))
				res, err := transport.RoundTrip(req)
				testkit.Must(t, err)
				got, err := io.ReadAll(res.Body)
				res.Body.Close()
				if want := protocols + " true " + body; err != nil || string(got) != want {
					t.Errorf("%.100q, not %.100q, %v", got, want, err)
				}
			}
		}
	}
	if a := s.dial().send(get("/")).mustNext("GET"); a.StatusCode != 400 {
		t.Errorf("HTTP without TLS: %d", a.StatusCode)
	}
	began := time.Now()
	if cl := s.dial().send("\x16\x03\x01"); !cl.ended() || time.Since(began) > 5*time.Second {
		t.Error("a handshake that does not go on is waited for")
	}
	conn, err := tls.Dial("tcp", s.addr, &tls.Config{RootCAs: certificate.Pool()})
	testkit.Must(t, err)
	defer conn.Close()
	cl := &client{conn, t, bufio.NewReader(conn)}
	if got := cl.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").mustNext("GET"); got.StatusCode != 505 {
		t.Errorf("a preface without ALPN: %d", got.StatusCode)
	}
	conn.Close()
	testkit.Eventually(t, "the slots are free", func() bool { return s.Connections() <= 6 })
}

func TestHTTP2ByItsPreface(t *testing.T) {
	t.Parallel()
	s := start(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto, r.URL.Path) }, func(s *http1.Server) { s.HTTP2 = http2Server(s.Handler) })
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	for range 3 {
		res, err := transport.RoundTrip(&http.Request{Method: "GET", Header: http.Header{}, URL: &url.URL{Scheme: "http", Host: s.addr, Path: "/x"}})
		testkit.Must(t, err)
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(body) != "HTTP/2.0/x" {
			t.Errorf("%q, %v", body, err)
		}
	}
	cl := s.dial()
	for _, piece := range []string{"PRI * HT", "TP/2.0\r\n\r", "\nSM\r\n\r", "\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"} {
		cl.send(piece)
		time.Sleep(5 * time.Millisecond)
	}
	frame := make([]byte, 9)
	if _, err := io.ReadFull(cl.r, frame); err != nil || frame[3] != 4 {
		t.Errorf("no SETTINGS: %v %v", frame, err)
	}
	if a := s.dial().send(get("/") + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"); a.mustNext("GET").StatusCode != 200 || a.mustNext("GET").StatusCode != 505 {
		t.Error("a preface after a request")
	}
	cl.Close()
	transport.CloseIdleConnections()
	testkit.Eventually(t, "all slots are free", func() bool { return s.Connections() <= 1 })
	testkit.Must(t, s.Shutdown(within(t, 5*time.Second)))
}

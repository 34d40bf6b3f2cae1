package upstream

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// BenchmarkRoundTrip compares a group with a bare http.Transport.
func BenchmarkRoundTrip(b *testing.B) {
	u := serve(b, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "hello")
	})
	g := openGroup(b, Config{Targets: targets(b, u)}, nil)
	bare := newTransport(g.targets[0], []string{mustURL(b, u).Host}, time.Minute, new(earlyCloseDetector))
	b.Cleanup(bare.CloseIdleConnections)
	for _, body := range []string{"", strings.Repeat("x", 512)} {
		method := map[bool]string{true: "GET", false: "POST"}[body == ""]
		b.Run(method+"/bare", func(b *testing.B) { benchmark(b, bare, method, u, body) })
		b.Run(method+"/group", func(b *testing.B) { benchmark(b, g, method, u, body) })
	}
}

// inboundBody hides from net/http that the body is in memory.
type inboundBody struct{ io.Reader }

func (inboundBody) Close() error { return nil }

func benchmark(b *testing.B, rt http.RoundTripper, method, u, body string) {
	b.ReportAllocs()
	inbound := httptest.NewRequest(method, u+"/path", nil)
	for b.Loop() {
		req := inbound.Clone(inbound.Context())
		if body != "" {
			req.Body, req.ContentLength = inboundBody{strings.NewReader(body)}, int64(len(body))
		}
		res, err := rt.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
}

// BenchmarkPick measures the choice among eight targets.
func BenchmarkPick(b *testing.B) {
	urls := make([]string, 8)
	for i := range urls {
		urls[i] = "http://127.0.0.1:" + string(rune('1'+i))
	}
	for _, balance := range []string{RoundRobin, LeastConn, HashOpenID} {
		b.Run(balance, func(b *testing.B) {
			g, _ := groupWithClock(b, Config{Targets: targets(b, urls...), Balance: balance})
			cs := &callState{group: g, hashKey: "oZRPn0Tm5vG1YZ9mUqQ3dX2bC4eA", startedAt: time.Now()}
			b.ReportAllocs()
			for b.Loop() {
				p, err := g.pick(cs)
				if err != nil {
					b.Fatal(err)
				}
				p.release()
			}
		})
	}
}

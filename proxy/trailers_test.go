package proxy_test

import (
	"io"
	"net/http"
	"testing"

	"wxgate/internal/testkit"
)

func TestTrailersAreForwardedBothWays(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		io.Copy(w, r.Body)
		w.Header().Set("X-Sum", r.Trailer.Get("X-Check"))
		w.Header().Set(http.TrailerPrefix+"X-Late", "yes")
		w.Header().Set(http.TrailerPrefix+"X-Session-Token", "stolen")
		w.Header().Set(http.TrailerPrefix+"X-OpenID", "stolen")
	})})
	body, feed := io.Pipe()
	req, err := http.NewRequest("POST", env.base+"/public/x", body)
	testkit.Must(t, err)
	req.Trailer = http.Header{"X-Check": nil, "X-Openid": nil}
	go func() {
		io.WriteString(feed, "hello")
		req.Trailer["X-Check"] = []string{"42"}
		req.Trailer["X-Openid"] = []string{"oADMIN"}
		feed.Close()
	}()
	res, err := client.Do(req)
	testkit.Must(t, err)
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	testkit.Must(t, err)
	if string(got) != "hello" || res.Trailer.Get("X-Sum") != "42" || res.Trailer.Get("X-Late") != "yes" {
		t.Errorf("%q, trailers %v", got, res.Trailer)
	}
	for _, name := range []string{"X-Session-Token", "X-Openid"} {
		if res.Trailer.Get(name) != "" {
			t.Errorf("trailer %s was forwarded", name)
		}
	}
}

// The memory of the header may be reused for another response before the trailers are
// sent.
func TestTrailersDoNotContainHeaderValues(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{backend: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		w.Header().Set("X-Sum", "header")
		w.WriteHeader(http.StatusOK)
		w.Header().Set("X-Sum", "trailer")
		w.Header().Set(http.TrailerPrefix+"X-Late", "yes")
	})})
	res, err := client.Get(env.base + "/public/x")
	testkit.Must(t, err)
	defer res.Body.Close()
	_, err = io.ReadAll(res.Body)
	testkit.Must(t, err)
	if sum := res.Trailer["X-Sum"]; len(sum) != 1 || sum[0] != "trailer" || res.Header.Get("X-Sum") != "header" {
		t.Errorf("header %q, trailer %q", res.Header["X-Sum"], sum)
	}
}

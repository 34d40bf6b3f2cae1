package admin_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"wxgate/internal/testkit"
)

// relayTransport sends the calls to api.weixin.qq.com to the gateway.
type relayTransport struct {
	base  *url.URL // http://10.0.0.2:9090/wx/wx0123456789abcdef
	token string   // of admin.tokens
}

func (t relayTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "api.weixin.qq.com" {
		return http.DefaultTransport.RoundTrip(r)
	}
	r = r.Clone(r.Context())
	r.URL = t.base.JoinPath(r.URL.Path).ResolveReference(&url.URL{RawQuery: r.URL.RawQuery})
	r.Host = ""
	r.Header.Set("Authorization", "Bearer "+t.token)
	return http.DefaultTransport.RoundTrip(r)
}

// What docs/relay.md shows is the type above.
func TestTheDocumentedTransportMakesAnSDKUseTheRelay(t *testing.T) {
	t.Parallel()
	docs, err := os.ReadFile("../docs/relay.md")
	testkit.Must(t, err)
	here, err := os.ReadFile("sdk_test.go")
	testkit.Must(t, err)
	_, shown, _ := strings.Cut(string(docs), "```go\n// relayTransport")
	shown, _, _ = strings.Cut(shown, "```")
	if shown == "" || !strings.Contains(string(here), "// relayTransport"+shown) {
		t.Errorf("docs/relay.md shows another transport:\n%s", shown)
	}

	env := newTestEnv(t)
	base, err := url.Parse(env.base + "/wx/" + app)
	testkit.Must(t, err)
	sdk := &http.Client{Transport: relayTransport{base, wechatToken}}
	res, err := sdk.Post("https://api.weixin.qq.com/wxa/getwxacodeunlimit?access_token=any&x=a%2Fb", "application/json", strings.NewReader(`{"scene":"a"}`))
	testkit.Must(t, err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("got %d, %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
	if query, _ := env.lastCall(); query != "access_token=[redacted]&x=a/b" {
		t.Errorf("WeChat got %s", query)
	}
	token, err := sdk.Get("https://api.weixin.qq.com/cgi-bin/token?grant_type=client_credential&appid=x&secret=kept-by-the-gateway")
	testkit.Must(t, err)
	defer token.Body.Close()
	if token.StatusCode != http.StatusOK {
		t.Errorf("the token call: %d", token.StatusCode)
	}
}

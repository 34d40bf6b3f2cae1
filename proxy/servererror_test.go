package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

func TestErrorsOfTheServerHaveAnErrorCode(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{})
	for raw, want := range map[string]string{
		"GET /api/%zz HTTP/1.1\r\nHost: gw.test\r\n\r\n":        "400 bad_path",
		"GET /api/x%2 HTTP/1.1\r\nHost: gw.test\r\n\r\n":        "400 bad_path",
		"GET /api/x HTTP/1.1\r\n\r\n":                           "400 bad_request",
		"no request line\r\n\r\n":                               "400 bad_request",
		"GET /public/x HTTP/1.1\r\nHost: gw.test\r\nX-Half: ye": "408 timeout",
	} {
		t.Run(want+" "+raw[:12], func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", env.addr)
			testkit.Must(t, err)
			defer conn.Close()
			io.WriteString(conn, raw)
			conn.SetReadDeadline(time.Now().Add(20 * time.Second))
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			testkit.Must(t, err)
			if got := fmt.Sprintf("%d %s", res.StatusCode, res.Header.Get("X-Gateway-Error")); got != want {
				t.Errorf("%q: %s, not %s", raw, got, want)
			}
		})
	}
}

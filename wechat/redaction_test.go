package wechat_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

// A WeChat or a proxy that repeats the request in its response must not bring the
// AppSecret, the token or the code into an error or a log.
func TestNoSecretInErrorsOrLogs(t *testing.T) {
	t.Parallel()
	const token, code = "TOKEN-0123456789", "CODE-0123456789"
	echoes := map[string]http.HandlerFunc{
		"errmsg": func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, `{"errcode":40164,"errmsg":%q}`, r.URL.String()+" "+r.URL.Query().Get("secret")+string(body))
		},
		"status line": func(w http.ResponseWriter, r *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			fmt.Fprintf(c, "%s %s\r\n\r\n", r.URL.String(), r.URL.Query().Get("secret"))
		},
		"body":   func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.String()) },
		"status": func(w http.ResponseWriter, r *http.Request) { http.Error(w, r.URL.String(), 500) },
		"drop":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	for name, h := range echoes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(h)
			defer srv.Close()
			core, logged := observer.New(zap.DebugLevel)
			tokens := fixedToken{token}
			c := newClient(t, settings{Base: srv.URL, Timeout: time.Second, Log: zap.New(core), Tokens: tokens})
			_, err1 := c.Login(t.Context(), appID, code)
			_, err2 := c.Phone(t.Context(), appID, "o1", code)
			err3 := c.Ping(t.Context(), appID)
			if err1 == nil || err2 == nil || err3 == nil {
				t.Fatal(err1, err2, err3)
			}
			text := fmt.Sprintf("%+v %+v %+v", err1, err2, err3)
			for _, e := range logged.All() {
				text += fmt.Sprint(e.Message, e.ContextMap())
			}
			for _, s := range []string{appSecret, url.QueryEscape(appSecret), token, code} {
				if strings.Contains(text, s) {
					t.Errorf("%q is in %s", s, text)
				}
			}
		})
	}
}

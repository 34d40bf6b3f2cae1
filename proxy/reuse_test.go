package proxy_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/session"
)

// The memory of a request serves others after it. A client that leaves, or a
// session that ends, about when the request is over anyway, must not end, change
// or show another client's request.
func TestLateEndsHarmNoOtherRequest(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{quiet: true})
	var stop atomic.Bool
	var background, steady sync.WaitGroup
	for i := range 4 {
		token := env.login(fmt.Sprint("leaver", i))
		background.Go(func() {
			for !stop.Load() {
				env.leave(token, "/api/leaver")
			}
		})
		background.Go(func() {
			for !stop.Load() {
				env.endWhileAsking(fmt.Sprint("ended", i))
			}
		})
	}
	for i := range 4 {
		name := fmt.Sprint("steady", i)
		token := env.login(name)
		steady.Go(func() { env.askMany(token, name) })
	}
	steady.Wait()
	stop.Store(true)
	background.Wait()
}

// askMany asks one thing after the other on one connection, and checks that what
// arrived at the backend was that.
func (env *testEnv) askMany(token, name string) {
	conn, err := net.Dial("tcp", env.addr)
	testkit.Must(env.t, err)
	defer conn.Close()
	r := bufio.NewReader(conn)
	openid := ""
	for i := range 600 {
		mark := fmt.Sprintf("%s-%d", name, i)
		body := ""
		if i%3 == 0 {
			body = mark
		}
		fmt.Fprintf(conn, "POST /api/%s?m=%s HTTP/1.1\r\nHost: gw.test\r\nX-Mark: %s\r\nContent-Length: %d\r\nAuthorization: Bearer %s\r\n\r\n%s",
			name, mark, mark, len(body), token, body)
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			env.t.Errorf("%s: %v", mark, err)
			return
		}
		text, _ := io.ReadAll(res.Body)
		var got echoed
		if err := json.Unmarshal(text, &got); err != nil || res.StatusCode != http.StatusOK {
			env.t.Errorf("%s: got %d %s", mark, res.StatusCode, text)
			return
		}
		if openid == "" {
			openid = got.Header.Get("X-Openid")
		}
		if openid == "" || got.Header.Get("X-Openid") != openid || got.Header.Get("X-Mark") != mark || got.Body != body ||
			got.Target != "/api/"+name+"?m="+mark || len(got.Header["X-Openid"]) != 1 {
			env.t.Errorf("%s: the backend got %+v", mark, got)
			return
		}
	}
}

// leave sends a request and goes away at about the time of its answer.
func (env *testEnv) leave(token, path string) {
	conn, err := net.Dial("tcp", env.addr)
	if err != nil {
		env.t.Error(err)
		return
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer %s\r\n\r\n", path, token)
	time.Sleep(rand.N(800 * time.Microsecond))
	conn.Close()
}

// endWhileAsking ends a session at about the time of its request's answer.
func (env *testEnv) endWhileAsking(name string) {
	token := env.login(name)
	auth, err := env.sessions.Authenticate(env.t.Context(), token)
	if err != nil {
		env.t.Error(err)
		return
	}
	var asked sync.WaitGroup
	asked.Go(func() { env.leave(token, "/api/ended") })
	time.Sleep(rand.N(400 * time.Microsecond))
	if _, err := env.sessions.End(env.t.Context(), auth.Session.ID, session.CauseLogout); err != nil {
		env.t.Error(err)
	}
	asked.Wait()
}

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

// The memory of a request is reused. A client that disconnects, or a session that ends,
// about when its request finishes must not end, change or show another client's request.
func TestLateCancellationDoesNotAffectOtherRequests(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{quiet: true})
	var stop atomic.Bool
	var background, steady sync.WaitGroup
	for i := range 4 {
		token := env.login(fmt.Sprint("disconnecting", i))
		background.Go(func() {
			for !stop.Load() {
				env.sendAndDisconnect(token, "/api/disconnecting")
			}
		})
		background.Go(func() {
			for !stop.Load() {
				env.endSessionDuringRequest(fmt.Sprint("ended", i))
			}
		})
	}
	for i := range 4 {
		name := fmt.Sprint("steady", i)
		token := env.login(name)
		steady.Go(func() { env.sendMany(token, name) })
	}
	steady.Wait()
	stop.Store(true)
	background.Wait()
}

// sendMany sends requests on one connection, and checks that the backend received each of
// them unchanged.
func (env *testEnv) sendMany(token, name string) {
	conn, err := net.Dial("tcp", env.addr)
	testkit.Must(env.t, err)
	defer conn.Close()
	r := bufio.NewReader(conn)
	openid := ""
	for i := range 600 {
		id := fmt.Sprintf("%s-%d", name, i)
		body := ""
		if i%3 == 0 {
			body = id
		}
		fmt.Fprintf(conn, "POST /api/%s?m=%s HTTP/1.1\r\nHost: gw.test\r\nX-Mark: %s\r\nContent-Length: %d\r\nAuthorization: Bearer %s\r\n\r\n%s",
			name, id, id, len(body), token, body)
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			env.t.Errorf("%s: %v", id, err)
			return
		}
		text, _ := io.ReadAll(res.Body)
		var got echoResponse
		if err := json.Unmarshal(text, &got); err != nil || res.StatusCode != http.StatusOK {
			env.t.Errorf("%s: got %d %s", id, res.StatusCode, text)
			return
		}
		if openid == "" {
			openid = got.Header.Get("X-Openid")
		}
		if openid == "" || got.Header.Get("X-Openid") != openid || got.Header.Get("X-Mark") != id || got.Body != body ||
			got.Target != "/api/"+name+"?m="+id || len(got.Header["X-Openid"]) != 1 {
			env.t.Errorf("%s: the backend received %+v", id, got)
			return
		}
	}
}

// sendAndDisconnect sends a request and closes the connection about when the response
// arrives.
func (env *testEnv) sendAndDisconnect(token, path string) {
	conn, err := net.Dial("tcp", env.addr)
	if err != nil {
		env.t.Error(err)
		return
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer %s\r\n\r\n", path, token)
	time.Sleep(rand.N(800 * time.Microsecond))
	conn.Close()
}

// endSessionDuringRequest sends a request and ends its session about when the response
// arrives.
func (env *testEnv) endSessionDuringRequest(name string) {
	token := env.login(name)
	auth, err := env.sessions.Authenticate(env.t.Context(), token)
	if err != nil {
		env.t.Error(err)
		return
	}
	var request sync.WaitGroup
	request.Go(func() { env.sendAndDisconnect(token, "/api/ended") })
	time.Sleep(rand.N(400 * time.Microsecond))
	if _, err := env.sessions.End(env.t.Context(), auth.Session.ID, session.CauseLogout); err != nil {
		env.t.Error(err)
	}
	request.Wait()
}

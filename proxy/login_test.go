package proxy_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/proxy"
	"wxgate/proxy/endpoint"
	"wxgate/session"
	"wxgate/wechat/wechattest"
)

func TestLoginRequestLogout(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{})
	in := env.loginResponse("alice")
	if in.Token == "" || in.TokenType != "Bearer" || in.ExpiresIn < 7000 || in.SessionExpiresIn < in.ExpiresIn || !in.IsNewUser {
		t.Errorf("login response %+v", in)
	}
	var got echoResponse
	env.call("GET", "/api/me?a=1", in.Token, "").JSON(t, &got)
	if id := got.Header.Get("X-OpenID"); id != env.user("alice").OpenID {
		t.Errorf("the backend received openid %q", id)
	}
	if got.Header.Get("Authorization") != "" {
		t.Error("the token reached the backend")
	}
	if got.Target != "/api/me?a=1" {
		t.Errorf("the backend received %s", got.Target)
	}
	if res := env.call("POST", "/auth/logout", in.Token, ""); res.Status != http.StatusNoContent {
		t.Fatalf("logout: %d %s", res.Status, res.Body)
	}
	if res := env.call("GET", "/api/me", in.Token, ""); res.Status != 401 || res.Code() != "session_ended" {
		t.Errorf("after logout: %d %s", res.Status, res.Code())
	}
	if env.loginResponse("alice").IsNewUser {
		t.Error("alice is a new user twice")
	}
}

func TestConcurrentFirstLoginsCreateOneUser(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	newUsers := 0
	for range 20 {
		wg.Go(func() {
			if env.loginResponse("alice").IsNewUser {
				mu.Lock()
				newUsers++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if newUsers != 1 {
		t.Errorf("alice was a new user %d times", newUsers)
	}
}

func TestCodeWorksOnce(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{})
	body := `{"code":"` + env.user("alice").Code() + `"}`
	responses := make([]testkit.Response, 10)
	var wg sync.WaitGroup
	for i := range responses {
		wg.Go(func() { responses[i] = env.call("POST", "/auth/login", "", body) })
	}
	wg.Wait()
	ok := 0
	for _, res := range responses {
		if res.Status == 200 {
			ok++
		} else if res.Code() != "invalid_code" {
			t.Errorf("refused with %d %s", res.Status, res.Code())
		}
	}
	if n := env.sim.Count("/sns/jscode2session"); ok != 1 || n != 1 {
		t.Errorf("%d logins, %d calls to WeChat", ok, n)
	}
}

func TestIdempotentLoginReturnsTheSameResponse(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{})
	body := `{"code":"` + env.user("alice").Code() + `"}`
	key := []string{"Idempotency-Key", "0123456789abcdef"}
	responses := make([]testkit.Response, 8)
	var wg sync.WaitGroup
	for i := range responses {
		wg.Go(func() { responses[i] = env.call("POST", "/auth/login", "", body, key...) })
	}
	wg.Wait()
	for _, res := range responses {
		if res.Status != 200 || string(res.Body) != string(responses[0].Body) {
			t.Errorf("%d %s, not the first response: %s", res.Status, res.Body, responses[0].Body)
		}
	}
	if n := env.sim.Count("/sns/jscode2session"); n != 1 {
		t.Errorf("%d calls to WeChat", n)
	}
	if res := env.call("POST", "/auth/login", "", body, "Idempotency-Key", "another-key-0123456"); res.Code() != "invalid_code" {
		t.Errorf("another key: %d %s", res.Status, res.Body)
	}
	if res := env.call("POST", "/auth/login", "", body, "Idempotency-Key", "short"); res.Code() != "bad_request" {
		t.Errorf("a short key: %d %s", res.Status, res.Body)
	}
}

func TestInvalidLoginBodiesAreRefused(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{})
	for name, c := range map[string]struct {
		body string
		code string
	}{
		"empty":            {"", "bad_request"},
		"no JSON":          {"hello", "bad_request"},
		"an array":         {`[1]`, "bad_request"},
		"null":             {`null`, "bad_request"},
		"two objects":      {`{"code":"a"}{"code":"b"}`, "bad_request"},
		"code is a number": {`{"code":123}`, "bad_request"},
		"code is empty":    {`{"code":""}`, "bad_request"},
		"code with &":      {`{"code":"x&appid=evil"}`, "bad_request"},
		"code with CR":     {`{"code":"x\r\ny"}`, "bad_request"},
		"code too long":    {`{"code":"` + strings.Repeat("a", 5000) + `"}`, "bad_request"},
		"huge":             {`{"code":"` + strings.Repeat("a", 100000) + `"}`, "body_too_large"},
		"deep":             {strings.Repeat("[", 30000), "bad_request"},
		"unknown app":      {`{"code":"abc","appid":"wxother"}`, "bad_request"},
		"unknown code":     {`{"code":"abcdef"}`, "invalid_code"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := env.call("POST", "/auth/login", "", c.body)
			var body struct{ Error, Message, Request_ID string }
			res.JSON(t, &body)
			if res.Code() != c.code || body.Error != c.code || body.Message == "" || body.Request_ID == "" {
				t.Errorf("%d %s: %s", res.Status, res.Code(), res.Body)
			}
		})
	}
}

func TestWeChatErrorsMapToErrorCodes(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{})
	for _, c := range []struct {
		errcode, status int
		code            string
		retryAfter      bool
	}{
		{40029, 401, "invalid_code", false},
		{40163, 401, "invalid_code", false},
		{40226, 403, "user_blocked", false},
		{45011, 429, "rate_limited", true},
		{-1, 503, "wechat_unavailable", true},
		{45009, 503, "wechat_unavailable", true},
		{40013, 502, "wechat_misconfigured", false},
		{40125, 502, "wechat_misconfigured", false},
		{40164, 502, "wechat_misconfigured", false},
		{40243, 502, "wechat_misconfigured", false},
		{41002, 502, "wechat_misconfigured", false},
		{41004, 502, "wechat_misconfigured", false},
	} {
		env.sim.ClearFaults()
		env.sim.AddFault(wechattest.Fault{API: "/sns/jscode2session", Errcode: c.errcode})
		res := env.call("POST", "/auth/login", "", `{"code":"`+env.user("alice").Code()+`"}`)
		if res.Status != c.status || res.Code() != c.code || (res.Header.Get("Retry-After") != "") != c.retryAfter {
			t.Errorf("%d: %d %s, Retry-After %q", c.errcode, res.Status, res.Code(), res.Header.Get("Retry-After"))
		}
		if challenge := res.Header.Get("WWW-Authenticate"); (res.Status == 401) != strings.HasPrefix(challenge, `Bearer error="`) {
			t.Errorf("%d: WWW-Authenticate %q", c.errcode, challenge)
		}
	}
}

func TestInvalidPhoneCodeDoesNotFailTheLogin(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{})
	alice := env.user("alice")
	first := env.call("POST", "/auth/login", "", `{"code":"`+alice.Code()+`","phone_code":"`+alice.PhoneCode()+`"}`)
	var in loginResponse
	first.JSON(t, &in)
	if in.Phone["phone_number"] != alice.Phone() {
		t.Errorf("phone is %v", in.Phone)
	}
	stolen := env.call("POST", "/auth/login", "", `{"code":"`+env.user("mallory").Code()+`","phone_code":"`+alice.PhoneCode()+`"}`)
	var other loginResponse
	stolen.JSON(t, &other)
	if stolen.Status != 200 || other.Token == "" || other.Phone["error"] != "invalid_code" || !strings.Contains(string(stolen.Body), "phone button") {
		t.Errorf("with another's phone code: %d %s", stolen.Status, stolen.Body)
	}
	// Another wx.login would not help, so the message must not ask for one.
	used := env.call("POST", "/auth/phone", other.Token, `{"code":"`+alice.PhoneCode()+`"}`)
	if used.Status != 401 || used.Code() != "invalid_code" || !strings.Contains(string(used.Body), "phone button") || strings.Contains(string(used.Body), "wx.login") {
		t.Errorf("with a used code: %d %s", used.Status, used.Body)
	}
}

func TestLoginHookSetsTheUserOrRefuses(t *testing.T) {
	t.Parallel()
	var received struct {
		mu    sync.Mutex
		last  map[string]any
		token string
	}
	response := `{"user_id":42,"roles":["admin","a,b"]}`
	status := 200
	hook := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		received.mu.Lock()
		defer received.mu.Unlock()
		received.token = r.Header.Get("Authorization")
		json.NewDecoder(r.Body).Decode(&received.last)
		w.WriteHeader(status)
		w.Write([]byte(response))
	})
	url := serve(t, hook)
	env := newTestEnv(t, envConfig{config: func(c *proxy.Config) {
		c.Endpoints.Hook = endpoint.Hook{URL: url, Timeout: time.Second, Client: endpoint.NewBackendClient()}
	}})
	token := env.login("alice")
	if received.last["openid"] != env.user("alice").OpenID || received.last["is_new_user"] != true || !strings.HasPrefix(received.token, "Bearer ey") {
		t.Errorf("the hook received %v", received.last)
	}
	var got echoResponse
	env.call("GET", "/api/admin/x", token, "").JSON(t, &got)
	if got.Header.Get("X-User-ID") != "42" || got.Header.Get("X-User-Roles") != "admin,a%2Cb" {
		t.Errorf("the backend received %v", got.Header)
	}
	carol := env.user("carol").OpenID
	_, err := env.sessions.Ban(t.Context(), appID, carol, session.Ban{})
	testkit.Must(t, err)
	_, err = env.sessions.Unban(t.Context(), appID, carol)
	testkit.Must(t, err)
	if in := env.loginResponse("carol"); !in.IsNewUser || received.last["is_new_user"] != true {
		t.Errorf("for a user banned before the first login the hook received %v, the client %v", received.last, in.IsNewUser)
	}
	set := func(newStatus int, newResponse string) {
		received.mu.Lock()
		status, response = newStatus, newResponse
		received.mu.Unlock()
	}
	for _, c := range []struct {
		status   int
		response string
		code     string
	}{
		{403, `{"message":"被封了"}`, "user_blocked"},
		{500, `boom`, "upstream_error"},
		{200, `{"roles":"admin"}`, "upstream_error"},
		{200, `{"roles":["` + strings.Repeat("x", 20000) + `"]}`, "upstream_error"},
	} {
		set(c.status, c.response)
		res := env.call("POST", "/auth/login", "", `{"code":"`+env.user("bob").Code()+`"}`)
		if res.Code() != c.code || c.status == 403 && !strings.Contains(string(res.Body), "被封了") {
			t.Errorf("hook's %d %.40s: %d %s", c.status, c.response, res.Status, res.Body)
		}
	}
}

func TestBannedUserCannotLogIn(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{})
	token := env.login("alice")
	_, err := env.sessions.Ban(t.Context(), appID, env.user("alice").OpenID, session.Ban{Reason: "spam"})
	testkit.Must(t, err)
	if res := env.call("GET", "/api/x", token, ""); res.Code() != "session_ended" {
		t.Errorf("a banned user's token: %d %s", res.Status, res.Code())
	}
	if res := env.call("POST", "/auth/login", "", `{"code":"`+env.user("alice").Code()+`"}`); res.Status != 403 || res.Code() != "user_blocked" {
		t.Errorf("a banned user's login: %d %s", res.Status, res.Code())
	}
}

func TestLoginsPerAddressAreLimited(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{config: func(c *proxy.Config) { c.Endpoints.LoginPerIP = session.Rate{Count: 3, Per: time.Minute} }})
	for i := range 5 {
		res := env.call("POST", "/auth/login", "", `{"code":"nonsense"}`, "X-Forwarded-For", "10.0.0."+string(rune('0'+i)))
		if limited := res.Status == 429; limited != (i >= 3) || limited && res.Header.Get("Retry-After") == "" {
			t.Errorf("login %d: %d %s", i, res.Status, res.Code())
		}
	}
}

// With reset_key a logout makes WeChat replace the session_key, which may have leaked. The
// user's other session uses the new one.
func TestLogoutResetsTheSessionKey(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{})
	first, second := env.login("alice"), env.login("alice")
	leaked := env.user("alice").SessionKey()
	if res := env.call("POST", "/auth/logout", first, `{"reset_key":true}`); res.Status != http.StatusNoContent {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	if env.user("alice").SessionKey() == leaked {
		t.Error("WeChat has the same key")
	}
	if res := env.call("GET", "/api/x", first, ""); res.Code() != "session_ended" {
		t.Errorf("the session that was logged out: %d %s", res.Status, res.Body)
	}
	if res := env.call("POST", "/auth/check", second, ""); strings.TrimSpace(string(res.Body)) != `{"valid":true}` {
		t.Errorf("the other session: %d %s", res.Status, res.Body)
	}
	env.user("alice").RotateSessionKey()
	if res := env.call("POST", "/auth/logout", second, `{"reset_key":true}`); res.Status != http.StatusNoContent {
		t.Errorf("with a key that is already invalid: %d %s", res.Status, res.Body)
	}
	third := env.login("alice")
	env.sim.AddFault(wechattest.Fault{API: "/wxa/resetusersessionkey", Times: 1, Errcode: 45011})
	if res := env.call("POST", "/auth/logout", third, `{"reset_key":true}`); res.Code() != "rate_limited" {
		t.Errorf("too often: %d %s", res.Status, res.Body)
	}
	if res := env.call("GET", "/api/x", third, ""); res.Status != http.StatusOK {
		t.Errorf("a logout that was refused ended the session: %d %s", res.Status, res.Body)
	}
}

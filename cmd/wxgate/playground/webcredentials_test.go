package playground

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"wxgate/session"
)

// A ticket and a cookie don't contain the user; the store is still shown for their user,
// and both are shortened.
func TestAWebPagesCallsBelongToTheUserOfItsTicket(t *testing.T) {
	t.Parallel()
	ticket, cookie := strings.Repeat("t", 64), strings.Repeat("c", 44)+"."+strings.Repeat("d", 40)
	r := NewRecorder()
	users := make(chan string, 10)
	r.Inspect = func(_ context.Context, _, openid string) ([]session.Entry, error) {
		users <- openid
		return nil, nil
	}
	base := serve(t, r, func(w http.ResponseWriter, req *http.Request) {
		switch req.URL.Path {
		case "/auth/ticket":
			fmt.Fprintf(w, `{"ticket":%q,"path":"/auth/enter?ticket=%s"}`, ticket, ticket)
		case "/auth/enter":
			w.Header().Set("Set-Cookie", WebCookie+"="+cookie+"; HttpOnly")
			w.Header().Set("Location", "/h5/page")
			w.WriteHeader(http.StatusNoContent) // a client would follow a 303
		}
	})
	next := follow(t, base, "")
	post(t, base+"/auth/ticket", "{}", http.Header{"Authorization": {"Bearer " + fakeToken("wx1", "o-alice")}})
	post(t, base+"/auth/enter?ticket="+ticket, "", nil)
	post(t, base+"/h5/page", "", http.Header{"Cookie": {WebCookie + "=" + cookie}})
	post(t, base+"/h5/page", "", http.Header{"Cookie": {WebCookie + "=another"}})
	for range 3 {
		if openid := <-users; openid != "o-alice" {
			t.Errorf("the store is shown for %q", openid)
		}
	}
	for i := range 8 {
		e := next()
		detail := string(e.Detail)
		if strings.Contains(detail, ticket) || strings.Contains(detail, cookie) {
			t.Errorf("not shortened: %s", detail)
		}
		if byPage := strings.Contains(detail, `"web_page":true`); e.Kind == kindRequest && byPage != (i > 1) {
			t.Errorf("of a web page: %v, of %s", byPage, detail)
		}
	}
	select {
	case openid := <-users:
		t.Errorf("the store is shown for %q", openid)
	default:
	}
}

func TestAPushBelongsToTheSimulatedMessage(t *testing.T) {
	t.Parallel()
	r := NewRecorder()
	var front string
	gateway := func(http.ResponseWriter, *http.Request) {}
	front = serve(t, r, gateway)
	next := follow(t, front, "")
	post(t, front+"/auth/push/wx1", "", nil) // not caused by the simulator
	post(t, front+"/sim/push", `{"user":"alice","url":"`+front+`/auth/push/wx1","token":"pushtoken","aes_key":"","message":{"MsgType":"text"}}`, nil)
	want := []string{`"path":"/auth/push/wx1"`, `"status"`, `"path":"/sim/push"`, `"push_of":2`, `"status"`, `"status"`}
	for i, part := range want {
		e := next()
		if !strings.Contains(string(e.Detail), part) {
			t.Errorf("event %d is %s; want %s", i, e.Detail, part)
		}
		if i == 0 && strings.Contains(string(e.Detail), "push_of") {
			t.Errorf("a push without a cause belongs to a call: %s", e.Detail)
		}
	}
}

func TestACallOfThePrivateListenerIsReportedWithItsChanges(t *testing.T) {
	t.Parallel()
	r := NewRecorder()
	r.Inspect = func(_ context.Context, appid, openid string) ([]session.Entry, error) {
		return []session.Entry{{Key: appid + " " + openid}}, nil
	}
	_, next := r.subscribe("")
	r.Admin(AdminCall{RequestID: "page-a.1.banned.1", Method: http.MethodPut, Path: "/api/users/wx1/o1/ban", Status: 200, AppID: "wx1", OpenID: "o1"})
	for _, want := range []string{`"kind":"admin"`, `"key":"wx1 o1"`} {
		if e := <-next; !strings.Contains(string(e.data), want) || !strings.Contains(string(e.data), `"call":1`) {
			t.Errorf("reported %s; want %s", e.data, want)
		}
	}
}

package websession_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"wxgate/proxy/websession"
)

func TestPagesEscapeInputAndLoadNoExternalResources(t *testing.T) {
	w := httptest.NewRecorder()
	websession.SwitchAccount("req-1", websession.Confirm{Action: "/auth/enter", Ticket: `"><script>`, Current: "<b>小明</b>", New: "小红"}).Write(w, http.StatusOK)
	body := w.Body.String()
	if strings.Contains(body, "<script>") || strings.Contains(body, "<b>小明") || !strings.Contains(body, "小红") {
		t.Error("a name or a ticket is not escaped")
	}
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(body, "src=") || strings.Contains(body, "href=") {
		t.Errorf("the page may load external resources: %s", policy)
	}
	if w.Header().Get("Cache-Control") != "private, no-store" {
		t.Error("the page may be cached")
	}
}

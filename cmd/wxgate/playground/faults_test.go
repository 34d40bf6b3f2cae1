package playground

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// switches returns Faults with one switch.
func switches(set SetFault) *Faults {
	return &Faults{Recorder: NewRecorder(), Set: map[string]SetFault{"redis": set}}
}

func sendFault(f *Faults, method, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, "/playground/faults", strings.NewReader(body))
	r.Header.Set("X-Request-ID", "page-a.1.redisAway.1")
	f.ServeHTTP(w, r)
	return w
}

func TestASwitchIsAppliedOnceAndReportedToAllPages(t *testing.T) {
	t.Parallel()
	var set []bool
	f := switches(func(_ context.Context, on bool, c Cause) error {
		if c.RequestID != "page-a.1.redisAway.1" {
			t.Errorf("the cause is %+v", c)
		}
		set = append(set, on)
		return nil
	})
	_, next := f.Recorder.subscribe("")
	for range 2 {
		if w := sendFault(f, http.MethodPut, `{"name":"redis","on":true}`); w.Code != http.StatusOK {
			t.Fatalf("%d: %s", w.Code, w.Body)
		}
	}
	if got := strings.TrimSpace(sendFault(f, http.MethodGet, "").Body.String()); got != `[{"name":"redis"}]` {
		t.Errorf("active faults: %s", got)
	}
	sendFault(f, http.MethodPut, `{"name":"redis","on":false}`)
	if got := strings.TrimSpace(sendFault(f, http.MethodGet, "").Body.String()); got != `[]` {
		t.Errorf("active after switching off: %s", got)
	}
	if len(set) != 2 || !set[0] || set[1] {
		t.Errorf("set to %v", set)
	}
	for _, on := range []string{`"on":true`, `"on":false`} {
		if e := <-next; !strings.Contains(string(e.data), `"kind":"fault"`) || !strings.Contains(string(e.data), on) {
			t.Errorf("reported %s", e.data)
		}
	}
}

func TestAFailedSwitchKeepsItsState(t *testing.T) {
	t.Parallel()
	f := switches(func(context.Context, bool, Cause) error { return errors.New("the port is taken") })
	if w := sendFault(f, http.MethodPut, `{"name":"redis","on":true}`); w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "the port is taken") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
	if got := strings.TrimSpace(sendFault(f, http.MethodGet, "").Body.String()); got != `[]` {
		t.Errorf("active faults: %s", got)
	}
}

func TestAnUnknownSwitchIsRefused(t *testing.T) {
	t.Parallel()
	f := switches(func(context.Context, bool, Cause) error {
		t.Error("it was set")
		return nil
	})
	for _, c := range []struct {
		method, body string
		want         int
	}{
		{http.MethodPut, `{"name":"other","on":true}`, http.StatusBadRequest},
		{http.MethodPut, `not JSON`, http.StatusBadRequest},
		{http.MethodPut, `{"name":"redis","user":"` + strings.Repeat("x", 5000) + `"}`, http.StatusBadRequest},
		{http.MethodPost, `{"name":"redis","on":true}`, http.StatusMethodNotAllowed}, // a form of another site can send one
		{http.MethodDelete, ``, http.StatusMethodNotAllowed},
	} {
		if w := sendFault(f, c.method, c.body); w.Code != c.want {
			t.Errorf("%s %.40s: %d", c.method, c.body, w.Code)
		}
	}
}

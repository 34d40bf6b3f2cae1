package wechattest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// newControlHandler handles /sim/…, which the package's documentation lists.
func newControlHandler(s *Server) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /sim/code", control(s.simCode))
	mux.Handle("POST /sim/phone-code", control(s.simPhoneCode))
	mux.Handle("POST /sim/encrypt", control(s.simEncrypt))
	mux.Handle("POST /sim/sign", control(s.simSign))
	mux.Handle("POST /sim/user-key", control(s.simUserKey))
	mux.Handle("POST /sim/rotate", control(s.simRotate))
	mux.Handle("POST /sim/block", control(s.simBlock))
	mux.Handle("POST /sim/push", control(s.simPush))
	mux.Handle("POST /sim/push-url", control(s.simPushURL))
	mux.Handle("POST /sim/prefetch", control(s.simPrefetch))
	mux.Handle("POST /sim/api-security", control(s.simAPISecurity))
	mux.Handle("POST /sim/kill-token", control(s.simKillToken))
	mux.Handle("POST /sim/fault", control(s.simFault))
	mux.Handle("DELETE /sim/fault", control(s.simClearFaults))
	mux.Handle("GET /sim/users", control(s.simUsers))
	mux.Handle("GET /sim/calls", control(s.simCalls))
	return mux
}

// controlRequest has the fields of all control calls. Each call uses some of them.
type controlRequest struct {
	User    string         `json:"user"`
	AppID   string         `json:"appid"`
	Kind    string         `json:"kind"`
	Data    map[string]any `json:"data"`
	Age     duration       `json:"age"`
	RawData string         `json:"raw_data"`
	Blocked bool           `json:"blocked"`
	Rotate  bool           `json:"rotate"`
	Silent  bool           `json:"silent"`
	API     string         `json:"api"`
	Times   int            `json:"times"`
	Errcode int            `json:"errcode"`
	Delay   duration       `json:"delay"`
	Drop    bool           `json:"drop"`
	Status  int            `json:"status"`
	Body    string         `json:"body"`

	URL      string                     `json:"url"`
	Token    string                     `json:"token"`
	AESKey   *string                    `json:"aes_key"` // "": plain mode
	Format   string                     `json:"format"`
	Message  map[string]json.RawMessage `json:"message"`
	Interval duration                   `json:"interval"`

	Path  string `json:"path"`
	Query string `json:"query"`
	Scene int    `json:"scene"`
	Code  string `json:"code"`

	Algorithms string   `json:"algorithms"`
	Paths      []string `json:"paths"`
}

// duration is a time.Duration written as "10m".
type duration time.Duration

func (p *duration) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*p = duration(d)
	return err
}

// control returns a handler that responds with the JSON of a function's result or error.
func control(handle func(context.Context, controlRequest) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, err := readControlRequest(r)
		var v any
		if err == nil {
			v, err = handle(r.Context(), req)
		}
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			v = map[string]string{"error": err.Error()}
		}
		_ = json.NewEncoder(w).Encode(v)
	})
}

func readControlRequest(r *http.Request) (req controlRequest, err error) {
	if r.Method != http.MethodPost {
		return controlRequest{}, nil
	}
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxJSON))
	d.DisallowUnknownFields()
	if err := d.Decode(&req); err != nil {
		return controlRequest{}, fmt.Errorf("invalid request: %w", err)
	}
	return req, nil
}

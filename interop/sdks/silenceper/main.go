// Command silenceper is the driver of the SDK silenceper/wechat for the interop program
// sdks: it makes calls with the SDK on request, and is a push backend built with it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"

	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/miniprogram"
	"github.com/silenceper/wechat/v2/miniprogram/config"
	"github.com/silenceper/wechat/v2/util"
)

// arguments are the arguments of all calls.
type arguments struct {
	Code    string `json:"code"`
	OpenID  string `json:"openid"`
	Text    string `json:"text"`
	Message string `json:"message"` // of a push, plain
	Cipher  string `json:"cipher"`  // of a push, encrypted
}

// result is the result of a call.
type result struct {
	Value   string `json:"value"`
	Error   string `json:"error,omitempty"`
	Errcode int64  `json:"errcode,omitempty"` // when the SDK's error has it
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	setting := config.Config{
		AppID: os.Getenv("APPID"), AppSecret: os.Getenv("SECRET"), Cache: cache.NewMemory(), UseStableAK: os.Getenv("STABLE") != "",
	}
	if addr := os.Getenv("REDIS"); addr != "" {
		setting.Cache = cache.NewRedis(context.Background(), &cache.RedisOpts{Host: addr})
	}
	transport, err := newTransport()
	if err != nil {
		return err
	}
	util.DefaultHTTPClient = &http.Client{Transport: transport}
	mux := http.NewServeMux()
	for name, call := range calls(miniprogram.NewMiniProgram(&setting)) {
		mux.Handle("POST /"+name, handle(call))
	}
	for name, call := range pushCalls() {
		mux.Handle("POST /"+name, handle(call))
	}
	mux.HandleFunc("/push", servePush)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("listens on http://%s\n", listener.Addr())
	return http.Serve(listener, mux)
}

// newTransport returns the transport for the environment: to the simulator, to the relay,
// or to the simulator with access tokens from the gateway.
func newTransport() (http.RoundTripper, error) {
	api, err := url.Parse(os.Getenv("API"))
	if err != nil {
		return nil, err
	}
	tokens, err := url.Parse(os.Getenv("TOKENS"))
	if err != nil {
		return nil, err
	}
	gateway := relayTransport{tokens, os.Getenv("BEARER")}
	if *api == *tokens {
		return gateway, nil
	}
	return tokenTransport{gateway, relayTransport{base: api}}, nil
}

// handle serves one call.
func handle(call func(arguments) (string, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var a arguments
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		value, err := call(a)
		res := result{Value: value}
		if err != nil {
			res.Error = err.Error()
		}
		if e, ok := errors.AsType[*util.CommonError](err); ok {
			res.Errcode = e.ErrCode
		}
		_ = json.NewEncoder(w).Encode(res)
	})
}

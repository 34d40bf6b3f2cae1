#!/usr/bin/env bash
# Guess:   a typed SDK can decode the example response in WeChat's documentation.
# Reality: GetPubTemplateTitleList of silenceper/wechat declares tid as a string, but WeChat sends a
#          number (and categoryId, documented as a number, as a string): the call fails for every list
#          that isn't empty.
# Needs:   go 1.26.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

go_module github.com/silenceper/wechat/v2@v2.1.10
cat >main.go <<'EOF'
package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/miniprogram"
	"github.com/silenceper/wechat/v2/miniprogram/config"
	"github.com/silenceper/wechat/v2/miniprogram/subscribe"
	"github.com/silenceper/wechat/v2/util"
)

// weChat is a transport that responds with its value, and with an access token when asked
// for one.
type weChat string

func (body weChat) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.URL.Path == "/cgi-bin/token" {
		body = `{"access_token":"t","expires_in":7200}`
	}
	_, err := w.WriteString(string(body))
	return w.Result(), err
}

func main() {
	mp := miniprogram.NewMiniProgram(&config.Config{AppID: "wx1", AppSecret: "s", Cache: cache.NewMemory()})
	for _, data := range []string{`[]`, `[{"tid":99,"title":"title","type":2,"categoryId":"616"}]`} {
		util.DefaultHTTPClient = &http.Client{Transport: weChat(`{"errcode":0,"errmsg":"ok","count":55,"data":` + data + `}`)}
		_, err := mp.GetSubscribe().GetPubTemplateTitleList(&subscribe.GetPubTemplateTitleListRequest{IDs: "616", Limit: 30})
		fmt.Println(err)
	}
}
EOF
run_go | tee seen

diff -u - seen <<'EOF'
<nil>
json Unmarshal Error, err=json: cannot unmarshal number into Go struct field PubTemplateTitle.data.tid of type string
EOF
echo "as seen on 2026-11-27 with silenceper/wechat 2.1.10"

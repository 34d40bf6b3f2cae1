#!/usr/bin/env bash
# Guess:   a typed SDK reads the example answer of WeChat's own documentation.
# Reality: silenceper/wechat's GetPubTemplateTitleList has tid as a string, where WeChat writes a number
#          (and categoryId, documented as a number, as a string): it fails on every list that isn't empty.
# Needs:   go 1.26.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >go.mod <<'EOF'
module finding

go 1.26

require github.com/silenceper/wechat/v2 v2.1.10
EOF
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

// answer stands for WeChat.
type answer string

func (a answer) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.URL.Path == "/cgi-bin/token" {
		a = `{"access_token":"t","expires_in":7200}`
	}
	_, err := w.WriteString(string(a))
	return w.Result(), err
}

func main() {
	mp := miniprogram.NewMiniProgram(&config.Config{AppID: "wx1", AppSecret: "s", Cache: cache.NewMemory()})
	for _, data := range []string{`[]`, `[{"tid":99,"title":"title","type":2,"categoryId":"616"}]`} {
		util.DefaultHTTPClient = &http.Client{Transport: answer(`{"errcode":0,"errmsg":"ok","count":55,"data":` + data + `}`)}
		_, err := mp.GetSubscribe().GetPubTemplateTitleList(&subscribe.GetPubTemplateTitleListRequest{IDs: "616", Limit: 30})
		fmt.Println(err)
	}
}
EOF
GOFLAGS=-mod=mod go run . 2>"$dir/log" | tee seen || { cat "$dir/log"; exit 1; }

diff -u - seen <<'EOF'
<nil>
json Unmarshal Error, err=json: cannot unmarshal number into Go struct field PubTemplateTitle.data.tid of type string
EOF
echo "as seen on 2026-11-27 with silenceper/wechat 2.1.10"

package main

import (
	"fmt"
	"net/http"
	"os"

	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/officialaccount"
	"github.com/silenceper/wechat/v2/officialaccount/config"
	"github.com/silenceper/wechat/v2/officialaccount/message"
	"github.com/silenceper/wechat/v2/util"
)

// pushCalls are the SDK's encryption of pushes.
func pushCalls() map[string]func(arguments) (string, error) {
	appid, key := os.Getenv("APPID"), os.Getenv("PUSH_KEY")
	return map[string]func(arguments) (string, error){
		"encrypt": func(a arguments) (string, error) {
			encrypted, err := util.EncryptMsg([]byte("0123456789abcdef"), []byte(a.Message), appid, key)
			return string(encrypted), err
		},
		"decrypt": func(a arguments) (string, error) {
			_, plain, err := util.DecryptMsg(appid, a.Cipher, key)
			return string(plain), err
		},
	}
}

// servePush is the push backend behind the gateway, in plain mode. It replies to text
// messages.
func servePush(w http.ResponseWriter, r *http.Request) {
	account := officialaccount.NewOfficialAccount(&config.Config{
		AppID: os.Getenv("APPID"), Token: os.Getenv("PUSH_TOKEN"), Cache: cache.NewMemory(),
	})
	server := account.GetServer(r, w)
	server.SetMessageHandler(func(m *message.MixMessage) *message.Reply {
		return &message.Reply{MsgType: message.MsgTypeText, MsgData: message.NewText("pong " + m.Content)}
	})
	if err := server.Serve(); err != nil {
		fmt.Println("push:", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if err := server.Send(); err != nil {
		fmt.Println("push:", err)
	}
}

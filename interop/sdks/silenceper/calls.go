package main

import (
	"encoding/base64"

	"github.com/silenceper/wechat/v2/miniprogram"
	"github.com/silenceper/wechat/v2/miniprogram/business"
	"github.com/silenceper/wechat/v2/miniprogram/qrcode"
	"github.com/silenceper/wechat/v2/miniprogram/security"
	"github.com/silenceper/wechat/v2/miniprogram/subscribe"
	"github.com/silenceper/wechat/v2/miniprogram/urlscheme"
)

// calls are the calls that every driver has, made with this SDK.
func calls(mp *miniprogram.MiniProgram) map[string]func(arguments) (string, error) {
	return map[string]func(arguments) (string, error){
		"token": func(arguments) (string, error) { return mp.GetContext().GetAccessToken() },
		"phone": func(a arguments) (string, error) {
			info, err := mp.GetBusiness().GetPhoneNumber(&business.GetPhoneNumberRequest{Code: a.Code})
			return info.PurePhoneNumber, err
		},
		"picture": func(arguments) (string, error) {
			picture, err := mp.GetQRCode().GetWXACodeUnlimit(qrcode.QRCoder{Scene: "table=7"})
			return base64.StdEncoding.EncodeToString(picture), err
		},
		"check": func(a arguments) (string, error) {
			res, err := mp.GetSecurity().MsgCheck(&security.MsgCheckRequest{OpenID: a.OpenID, Scene: security.MsgSceneComment, Content: a.Text})
			return string(res.Result.Suggest), err
		},
		"subscribe": func(a arguments) (string, error) {
			err := mp.GetSubscribe().Send(&subscribe.Message{ToUser: a.OpenID, TemplateID: "T", Data: map[string]*subscribe.DataItem{"thing1": {Value: "tea"}}})
			return "sent", err
		},
		"methods": func(a arguments) (string, error) { return methods(mp, a) },
		"unlisted": func(arguments) (string, error) {
			return mp.GetSURLScheme().Generate(&urlscheme.USParams{JumpWxa: &urlscheme.JumpWxa{Path: "pages/a"}})
		},
	}
}

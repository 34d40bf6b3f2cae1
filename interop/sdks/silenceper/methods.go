package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/silenceper/wechat/v2/miniprogram"
	"github.com/silenceper/wechat/v2/miniprogram/auth"
	"github.com/silenceper/wechat/v2/miniprogram/message"
	"github.com/silenceper/wechat/v2/miniprogram/qrcode"
	"github.com/silenceper/wechat/v2/miniprogram/riskcontrol"
	"github.com/silenceper/wechat/v2/miniprogram/security"
	"github.com/silenceper/wechat/v2/miniprogram/subscribe"
	"github.com/silenceper/wechat/v2/miniprogram/urllink"
)

// methods runs each of the SDK's methods whose call the simulator supports. It returns how
// many can read the response, and the names of those that can't.
func methods(mp *miniprogram.MiniProgram, a arguments) (string, error) {
	login, err := mp.GetAuth().Code2Session(a.Code)
	if err != nil {
		return "", err
	}
	s := session{mp, login.OpenID, login.SessionKey}
	succeeded := 1 // Code2Session
	var failed []string
	for _, group := range []map[string]func() error{s.users(), s.content(), s.messages()} {
		for name, method := range group {
			if err := method(); err != nil {
				fmt.Println(name, err)
				failed = append(failed, name)
				continue
			}
			succeeded++
		}
	}
	slices.Sort(failed)
	return fmt.Sprintf("%d methods, not %s", succeeded, strings.Join(failed, ", ")), nil
}

// session is a logged-in user.
type session struct {
	mp                 *miniprogram.MiniProgram
	openid, sessionKey string
}

// signature is that of WeChat's session calls: HMAC-SHA256 of an empty message under
// session_key.
func (s *session) signature() string {
	mac := hmac.New(sha256.New, []byte(s.sessionKey))
	return hex.EncodeToString(mac.Sum(nil))
}

// notEmpty returns an error when a method has succeeded and returned an empty text.
func notEmpty(text string, err error) error {
	if err == nil && text == "" {
		return errors.New("the result is empty")
	}
	return err
}

func (s *session) users() map[string]func() error {
	a := s.mp.GetAuth()
	return map[string]func() error{
		"CheckSession": func() error { return a.CheckSession(s.signature(), s.openid) },
		"ResetUserSessionKey": func() error {
			got, err := a.ResetUserSessionKey(s.signature(), s.openid)
			if err != nil {
				return err
			}
			s.sessionKey = got.SessionKey
			return notEmpty(got.SessionKey, nil)
		},
		"GetUserEncryptKey": func() error {
			got, err := a.GetUserEncryptKey(s.signature(), s.openid)
			if err != nil {
				return err
			}
			return notEmpty(got.KeyInfoList[0].EncryptKey, nil)
		},
		"GetPaidUnionID": func() error {
			return notEmpty(a.GetPaidUnionID(&auth.GetPaidUnionIDRequest{OpenID: s.openid, TransactionID: "1"}))
		},
		"CheckEncryptedData": func() error {
			_, err := a.CheckEncryptedData(strings.Repeat("0", 64))
			if err != nil && strings.Contains(err.Error(), "errcode=1") {
				return nil // WeChat's errcode for unknown data, which this hash is
			}
			return err
		},
		"GetUserRiskRank": func() error {
			_, err := s.mp.GetRiskControl().GetUserRiskRank(&riskcontrol.UserRiskRankRequest{
				AppID: os.Getenv("APPID"), OpenID: s.openid, ClientIP: "127.0.0.1",
			})
			return err
		},
	}
}

func (s *session) content() map[string]func() error {
	check, draw := s.mp.GetSecurity(), s.mp.GetQRCode()
	return map[string]func() error{
		"MsgCheckV1": func() error { _, err := check.MsgCheckV1("hello"); return err },
		"MsgCheck": func() error {
			got, err := check.MsgCheck(&security.MsgCheckRequest{OpenID: s.openid, Scene: security.MsgSceneForum, Content: "risky"})
			return notEmpty(got.TraceID+got.Detail[0].Suggest, err)
		},
		"MediaCheckAsync": func() error {
			return notEmpty(check.MediaCheckAsync(&security.MediaCheckAsyncRequest{MediaURL: "https://example.com/a.png", MediaType: 2, OpenID: s.openid, Scene: 1}))
		},
		"ImageCheckV1": func() error {
			file := filepath.Join(os.TempDir(), filepath.Base(os.Args[0])+".png")
			if err := os.WriteFile(file, []byte("a picture"), 0o600); err != nil {
				return err
			}
			defer os.Remove(file)
			return check.ImageCheckV1(file)
		},
		"CreateWXAQRCode": func() error { _, err := draw.CreateWXAQRCode(qrcode.QRCoder{Path: "pages/a"}); return err },
		"GetWXACode":      func() error { _, err := draw.GetWXACode(qrcode.QRCoder{Path: "pages/a"}); return err },
		"URLLink":         func() error { return notEmpty(s.mp.GetURLLink().Generate(&urllink.ULParams{Path: "pages/a"})) },
	}
}

func (s *session) messages() map[string]func() error {
	sub := s.mp.GetSubscribe()
	return map[string]func() error{
		"CustomerMessage": func() error { return s.mp.GetCustomerMessage().Send(message.NewCustomerTextMessage(s.openid, "hello")) },
		"GetCategory":     func() error { got, err := sub.GetCategory(); return notEmpty(fmt.Sprint(got), err) },
		"GetPubTemplateTitleList": func() error {
			_, err := sub.GetPubTemplateTitleList(&subscribe.GetPubTemplateTitleListRequest{IDs: "616", Limit: 30})
			return err
		},
		"GetPubTemplateKeywordsByID": func() error { _, err := sub.GetPubTemplateKeywordsByID("99"); return err },
		"Add, ListTemplates, Delete": func() error {
			id, err := sub.Add("99", []int{1}, "tea")
			if err != nil {
				return err
			}
			list, err := sub.ListTemplates()
			if err != nil || len(list.Data) != 1 || list.Data[0].PriTmplID != id {
				return fmt.Errorf("%v, %w", list, err)
			}
			return sub.Delete(id)
		},
	}
}

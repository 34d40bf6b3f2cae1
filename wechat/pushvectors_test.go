package wechat

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"wxgate/secret"
)

// pushVectors are test vectors that WeChat publishes.
type pushVectors struct {
	URLCheck struct {
		Token     secret.Text `json:"token"`
		Timestamp string      `json:"timestamp"`
		Nonce     string      `json:"nonce"`
		Echostr   string      `json:"echostr"`
		Signature string      `json:"signature"`
	} `json:"url_check"`
	AES []struct {
		Key          secret.Text `json:"encoding_aes_key"`
		AppID        string      `json:"appid"`
		Random       string      `json:"random"`
		Plain        string      `json:"plain"`
		Token        secret.Text `json:"token"`
		Timestamp    string      `json:"timestamp"`
		Nonce        string      `json:"nonce"`
		MsgSignature string      `json:"msg_signature"`
		Encrypt      string      `json:"encrypt"`
		Contains     string      `json:"plain_contains"`
		MsgID        string      `json:"msg_id"`
	} `json:"aes"`
}

func readPushVectors(t testing.TB) pushVectors {
	t.Helper()
	return readVectorFile[pushVectors](t, "testdata/push.json")
}

func TestPublishedURLCheck(t *testing.T) {
	t.Parallel()
	v := readPushVectors(t).URLCheck
	p, err := NewPush(PushConfig{Token: v.Token, Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	query := fmt.Sprintf("signature=%s&timestamp=%s&nonce=%s&echostr=%s", v.Signature, v.Timestamp, v.Nonce, v.Echostr)
	if got, err := p.CheckURL(query, time.Unix(1714036504, 0)); err != nil || got != v.Echostr {
		t.Errorf("%q, %v", got, err)
	}
}

func TestPublishedEncryption(t *testing.T) {
	t.Parallel()
	v := readPushVectors(t).AES[0]
	c, err := newPushCipher(v.AppID, v.Key)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.encryptWith([]byte(v.Random), []byte(v.Plain)); got != v.Encrypt {
		t.Errorf("got %s", got)
	}
	if got, ok := c.decrypt(v.Encrypt); !ok || string(got) != v.Plain {
		t.Errorf("got %q, %v", got, ok)
	}
}

func TestPublishedMessage(t *testing.T) {
	t.Parallel()
	v := readPushVectors(t).AES[1]
	p, err := NewPush(PushConfig{AppID: v.AppID, Token: v.Token, AESKey: v.Key})
	if err != nil {
		t.Fatal(err)
	}
	query := fmt.Sprintf("signature=%s&timestamp=%s&nonce=%s&openid=o1&encrypt_type=aes&msg_signature=%s", p.signature(v.Timestamp, v.Nonce), v.Timestamp, v.Nonce, v.MsgSignature)
	now := time.Unix(1409735669, 0)
	for format, body := range map[PushFormat]string{
		PushXML:  "<xml><ToUserName><![CDATA[gh_10f6c3c3ac5a]]></ToUserName><Encrypt><![CDATA[" + v.Encrypt + "]]></Encrypt></xml>",
		PushJSON: `{"ToUserName":"gh_10f6c3c3ac5a","Encrypt":"` + v.Encrypt + `"}`,
	} {
		m, err := p.Open(query, []byte(body), now)
		if err != nil {
			t.Fatal(err)
		}
		if m.Format != PushXML || m.envelope != format || !strings.Contains(string(m.Body), v.Contains) || m.ID != "id:"+v.MsgID || !strings.HasPrefix(m.OpenID, "o") {
			t.Errorf("%s: %+v %s", format, m, m.Body)
		}
	}
}

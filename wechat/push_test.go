package wechat_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"wxgate/secret"
	"wxgate/wechat"
)

const (
	pushToken = "pushtoken"
	pushKey   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
)

var pushNow = time.Unix(1_772_366_400, 0)

// pushSign returns a signature as WeChat makes it.
func pushSign(parts ...string) string {
	all := append([]string{pushToken}, parts...)
	slices.Sort(all)
	sum := sha1.Sum([]byte(strings.Join(all, "")))
	return hex.EncodeToString(sum[:])
}

// pushCBC encrypts whole blocks under the push key.
func pushCBC(data []byte) string {
	key, _ := base64.StdEncoding.DecodeString(pushKey + "=")
	block, _ := aes.NewCipher(key)
	out := bytes.Clone(data)
	cipher.NewCBCEncrypter(block, key[:16]).CryptBlocks(out, out)
	return base64.StdEncoding.EncodeToString(out)
}

// pushPlain is the plaintext of an encrypted message, without padding.
func pushPlain(length int, message, appid string) []byte {
	plain := binary.BigEndian.AppendUint32([]byte("0123456789abcdef"), uint32(length))
	return append(plain, message+appid...)
}

func padTo(size int, plain []byte) []byte {
	n := size - len(plain)%size
	return append(plain, bytes.Repeat([]byte{byte(n)}, n)...)
}

func pushEncrypt(message string) string {
	return pushCBC(padTo(32, pushPlain(len(message), message, appID)))
}

// pushQuery is the query of a push at that time; without msg_signature if encrypted is
// "".
func pushQuery(at time.Time, nonce, encrypted string) url.Values {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	q := url.Values{"timestamp": {timestamp}, "nonce": {nonce}, "signature": {pushSign(timestamp, nonce)}, "openid": {"o1"}}
	if encrypted != "" {
		q.Set("encrypt_type", "aes")
		q.Set("msg_signature", pushSign(timestamp, nonce, encrypted))
	}
	return q
}

func pushJSON(at time.Time, rest string) string {
	return fmt.Sprintf(`{"ToUserName":"gh_1","FromUserName":"o1","CreateTime":%d,"MsgType":"text"%s}`, at.Unix(), rest)
}

func pushXML(at time.Time, rest string) string {
	return fmt.Sprintf(`<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName><CreateTime>%d</CreateTime>%s</xml>`, at.Unix(), rest)
}

func encryptedJSON(encrypted string) string {
	return `{"ToUserName":"gh_1","Encrypt":"` + encrypted + `"}`
}

func encryptedXML(encrypted string) string {
	return `<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[` + encrypted + `]]></Encrypt></xml>`
}

func newPush(t *testing.T, plain bool) *wechat.Push {
	t.Helper()
	p, err := wechat.NewPush(wechat.PushConfig{AppID: appID, Token: pushToken, AESKey: pushKey, Plain: plain})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestInvalidPushSettingsAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]wechat.PushConfig{
		"no token":            {AppID: appID, AESKey: pushKey},
		"a short token":       {AppID: appID, Token: "ab", AESKey: pushKey},
		"a long token":        {AppID: appID, Token: secret.Text(strings.Repeat("a", 33)), AESKey: pushKey},
		"a token with dashes": {AppID: appID, Token: "a-b-c", AESKey: pushKey},
		"no key":              {AppID: appID, Token: pushToken},
		"a short key":         {AppID: appID, Token: pushToken, AESKey: secret.Text(pushKey[1:])},
		"a long key":          {AppID: appID, Token: pushToken, AESKey: secret.Text(pushKey + "=")},
		"a key not base64":    {AppID: appID, Token: pushToken, AESKey: secret.Text("*" + pushKey[1:])},
	} {
		_, err := wechat.NewPush(c)
		if err == nil || c.AESKey != "" && strings.Contains(err.Error(), c.AESKey.Reveal()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPushMessageIsUnchanged(t *testing.T) {
	t.Parallel()
	const bigID = "9223372036854775807123"
	for name, message := range map[string]string{
		"JSON":            pushJSON(pushNow, `,"Content":"你好","MsgId":`+bigID),
		"JSON, text id":   pushJSON(pushNow, `,"MsgId":"`+bigID+`"`),
		"JSON, structure": pushJSON(pushNow, `,"MsgId":`+bigID+`,"List":[{"a":{"b":1}}]`),
		"XML":             pushXML(pushNow, "<MsgId>"+bigID+"</MsgId><Content><![CDATA[<b>你好</b>]]></Content>"),
		"XML, structure":  pushXML(pushNow, "<MsgId>"+bigID+"</MsgId>\n<SubscribeMsgPopupEvent><List><TemplateId>1</TemplateId></List><List/></SubscribeMsgPopupEvent>"),
	} {
		encrypted := pushEncrypt(message)
		for _, body := range []string{encryptedJSON(encrypted), encryptedXML(encrypted)} {
			q := pushQuery(pushNow, "1514711492", encrypted)
			m, err := newPush(t, false).Open(q.Encode(), []byte(body), pushNow)
			if err != nil || string(m.Body) != message || m.ID != "id:"+bigID || m.OpenID != "o1" {
				t.Errorf("%s: %+v %s, %v", name, m, m.Body, err)
				continue
			}
			if format := map[byte]wechat.PushFormat{'{': wechat.PushJSON, '<': wechat.PushXML}[message[0]]; m.Format != format {
				t.Errorf("%s: %s", name, m.Format)
			}
			got, _ := url.ParseQuery(m.Query)
			if len(got) != 3 || got.Get("timestamp") != q.Get("timestamp") || got.Get("nonce") != q.Get("nonce") || got.Get("signature") != q.Get("signature") {
				t.Errorf("%s: Query is %s", name, m.Query)
			}
		}
		q := pushQuery(pushNow, "1514711492", "")
		m, err := newPush(t, true).Open(q.Encode(), []byte(message), pushNow)
		if err != nil || string(m.Body) != message || m.OpenID != "" || !strings.HasPrefix(m.ID, "sha256:") {
			t.Errorf("%s in plain mode: %+v, %v", name, m, err)
		}
	}
}

// Events have no MsgId. Two of one second differ only in their content.
func TestEventsOfOneSecondHaveDifferentIDs(t *testing.T) {
	t.Parallel()
	p := newPush(t, false)
	ids := map[string]bool{}
	for _, event := range []string{`,"Event":"a"`, `,"Event":"b"`, `,"Event":"a"`} {
		encrypted := pushEncrypt(pushJSON(pushNow, event))
		m, err := p.Open(pushQuery(pushNow, "1", encrypted).Encode(), []byte(encryptedJSON(encrypted)), pushNow)
		if err != nil {
			t.Fatal(err)
		}
		ids[m.ID] = true
	}
	if len(ids) != 2 {
		t.Errorf("%d messages: %v", len(ids), ids)
	}
}

func TestForgedPushesAreRefused(t *testing.T) {
	t.Parallel()
	good := pushJSON(pushNow, `,"MsgId":1`)
	goodEncrypted := pushEncrypt(good)
	type request struct {
		query url.Values
		body  string
	}
	encryptedAs := func(encrypted string) request {
		return request{pushQuery(pushNow, "1", encrypted), encryptedJSON(encrypted)}
	}
	withMessage := func(message string) request { return encryptedAs(pushEncrypt(message)) }
	withQuery := func(change func(url.Values)) request {
		r := encryptedAs(goodEncrypted)
		change(r.query)
		return r
	}
	set := func(name, value string) request { return withQuery(func(q url.Values) { q.Set(name, value) }) }
	p := newPush(t, false)
	valid := withMessage(good)
	if _, err := p.Open(valid.query.Encode(), []byte(valid.body), pushNow); err != nil {
		t.Fatal(err)
	}
	whole := pushPlain(len(good), good, appID)
	late := encryptedAs(goodEncrypted)
	late.query = pushQuery(pushNow.Add(-11*time.Minute), "1", goodEncrypted)
	early := encryptedAs(goodEncrypted)
	early.query = pushQuery(pushNow.Add(11*time.Minute), "1", goodEncrypted)
	swapped := withQuery(func(q url.Values) { q["timestamp"], q["nonce"] = q["nonce"], q["timestamp"] })
	for name, r := range map[string]request{
		"no query":                    {nil, encryptedJSON(goodEncrypted)},
		"no signature":                set("signature", ""),
		"a wrong signature":           set("signature", strings.Repeat("0", 40)),
		"a signature in capitals":     withQuery(func(q url.Values) { q.Set("signature", strings.ToUpper(q.Get("signature"))) }),
		"no msg_signature":            set("msg_signature", ""),
		"the other signature":         withQuery(func(q url.Values) { q["msg_signature"] = q["signature"] }),
		"a signature twice":           withQuery(func(q url.Values) { q["signature"] = append(q["signature"], q["signature"]...) }),
		"a timestamp twice":           withQuery(func(q url.Values) { q["timestamp"] = append(q["timestamp"], "1") }),
		"another parameter twice":     withQuery(func(q url.Values) { q["openid"] = []string{"o1", "o2"} }),
		"another timestamp":           set("timestamp", strconv.FormatInt(pushNow.Unix()+1, 10)),
		"another nonce":               set("nonce", "2"),
		"timestamp and nonce swapped": swapped,
		"eleven minutes old":          late,
		"eleven minutes ahead":        early,
		"plain text in AES mode":      {pushQuery(pushNow, "1", ""), good},
		"no Encrypt":                  {pushQuery(pushNow, "1", goodEncrypted), `{"ToUserName":"gh_1"}`},
		"another Encrypt":             {pushQuery(pushNow, "1", goodEncrypted), encryptedJSON(pushEncrypt(pushJSON(pushNow, `,"MsgId":2`)))},
		"Encrypt twice":               {pushQuery(pushNow, "1", goodEncrypted), `{"Encrypt":"` + goodEncrypted + `","Encrypt":"` + goodEncrypted + `"}`},
		"Encrypt in two cases":        {pushQuery(pushNow, "1", goodEncrypted), `{"Encrypt":"` + goodEncrypted + `","encrypt":"x"}`},
		"Encrypt below a child":       {pushQuery(pushNow, "1", goodEncrypted), `{"x":{"Encrypt":"` + goodEncrypted + `"}}`},
		"Encrypt a list":              {pushQuery(pushNow, "1", goodEncrypted), `{"Encrypt":["` + goodEncrypted + `"]}`},
		"an empty body":               {pushQuery(pushNow, "1", goodEncrypted), ""},
		"neither JSON nor XML":        {pushQuery(pushNow, "1", goodEncrypted), goodEncrypted},
		"a body over 1 MiB":           {pushQuery(pushNow, "1", goodEncrypted), encryptedJSON(goodEncrypted) + strings.Repeat(" ", 1<<20)},
		"truncated":                   encryptedAs(goodEncrypted[:len(goodEncrypted)/2]),
		"half a block":                encryptedAs(base64.StdEncoding.EncodeToString(make([]byte, 24))),
		"an odd block of AES":         encryptedAs(base64.StdEncoding.EncodeToString(make([]byte, 48))),
		"not base64":                  encryptedAs("*" + goodEncrypted),
		"empty":                       encryptedAs(""),
		"for another app":             encryptedAs(pushCBC(padTo(32, pushPlain(len(good), good, "wxother")))),
		"for no app":                  encryptedAs(pushCBC(padTo(32, pushPlain(len(good), good, "")))),
		"an appid with a suffix":      encryptedAs(pushCBC(padTo(32, pushPlain(len(good), good, appID+"x")))),
		"a length too long":           encryptedAs(pushCBC(padTo(32, pushPlain(1<<31, good, appID)))),
		"a length too short":          encryptedAs(pushCBC(padTo(32, pushPlain(len(good)-1, good, appID)))),
		"no length":                   encryptedAs(pushCBC(padTo(32, []byte("0123456789")))),
		"padding of 0":                encryptedAs(pushCBC(append(padTo(32, whole), make([]byte, 32)...))),
		"padding of 33":               encryptedAs(pushCBC(append(padTo(32, whole), bytes.Repeat([]byte{33}, 64)...))),
		"padding unequal":             encryptedAs(pushCBC(append(padTo(32, whole), append(bytes.Repeat([]byte{31}, 31), 32)...))),
		"no CreateTime":               withMessage(`{"FromUserName":"o1","MsgId":1}`),
		"61 minutes old":              withMessage(pushJSON(pushNow.Add(-61*time.Minute), "")),
		"in the future":               withMessage(pushJSON(pushNow.Add(11*time.Minute), "")),
		"CreateTime a structure":      withMessage(`{"CreateTime":{}}`),
		"CreateTime twice":            withMessage(pushJSON(pushNow, `,"createtime":1`)),
		"MsgId twice":                 withMessage(pushJSON(pushNow, `,"MsgId":1,"MsgID":2`)),
		"MsgId a list":                withMessage(pushJSON(pushNow, `,"MsgId":[1]`)),
		"MsgId null":                  withMessage(pushJSON(pushNow, `,"MsgId":null`)),
		"MsgId long":                  withMessage(pushJSON(pushNow, `,"MsgId":"`+strings.Repeat("1", 65)+`"`)),
		"a negative MsgId":            withMessage(pushJSON(pushNow, `,"MsgId":-1`)),
		"FromUserName twice":          withMessage(pushJSON(pushNow, `,"fromUserName":"o2"`)),
		"FromUserName with a newline": withMessage(fmt.Sprintf(`{"FromUserName":"o1\n","CreateTime":%d}`, pushNow.Unix())),
		"a name not ASCII":            withMessage(pushJSON(pushNow, `,"MsgＩd":1`)),
		"Kelvin's sign":               withMessage(pushJSON(pushNow, `,"To`+"\u212a"+`":1`)),
		"an escaped duplicate":        withMessage(pushJSON(pushNow, `,"Create\u0054ime":1`)),
		"not UTF-8":                   withMessage(pushJSON(pushNow, ",\"x\":\"\xff\"")),
		"trailing data":               withMessage(pushJSON(pushNow, "") + "{}"),
		"a list":                      withMessage("[" + pushJSON(pushNow, "") + "]"),
		"deep nesting":                withMessage(pushJSON(pushNow, `,"x":`+strings.Repeat("[", 40)+strings.Repeat("]", 40))),
		"too many fields":             withMessage(pushJSON(pushNow, manyFields(300))),
		"cut short":                   withMessage(pushJSON(pushNow, "")[:40]),
		"a DOCTYPE":                   withMessage(`<!DOCTYPE xml [<!ENTITY a "o2">]>` + pushXML(pushNow, "")),
		"an entity":                   withMessage(pushXML(pushNow, "<x>&a;</x>")),
		"an XML declaration":          withMessage(`<?xml version="1.0"?>` + pushXML(pushNow, "")),
		"a comment":                   withMessage(pushXML(pushNow, "<MsgId>1<!-- 2 --></MsgId>")),
		"a processing instruction":    withMessage(pushXML(pushNow, "<x><?a b?></x>")),
		"an attribute":                withMessage(pushXML(pushNow, `<x a="1"/>`)),
		"a namespace":                 withMessage(pushXML(pushNow, `<a:x/>`)),
		"another root":                withMessage(strings.NewReplacer("<xml>", "<yml>", "</xml>", "</yml>").Replace(pushXML(pushNow, ""))),
		"a root in capitals":          withMessage(strings.NewReplacer("<xml>", "<XML>", "</xml>", "</XML>").Replace(pushXML(pushNow, ""))),
		"overlapping tags":            withMessage(pushXML(pushNow, "<a><b></a></b>")),
		"text between the children":   withMessage(pushXML(pushNow, "text")),
		"XML twice":                   withMessage(pushXML(pushNow, "") + pushXML(pushNow, "")),
		"XML duplicate":               withMessage(pushXML(pushNow, "<createTime>1</createTime>")),
		"XML deep nesting":            withMessage(pushXML(pushNow, strings.Repeat("<a>", 40)+strings.Repeat("</a>", 40))),
		"MsgId a structure":           withMessage(pushXML(pushNow, "<MsgId><a/>1</MsgId>")),
	} {
		m, err := p.Open(r.query.Encode(), []byte(r.body), pushNow)
		if err != wechat.ErrPush || m.Body != nil {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"f%d":1`, i)
	}
	return b.String()
}

func TestInvalidURLChecksAreRefused(t *testing.T) {
	t.Parallel()
	p := newPush(t, false)
	with := func(change func(url.Values)) string {
		q := pushQuery(pushNow, "1514711492", "")
		q.Set("echostr", "4375120948345356249")
		change(q)
		return q.Encode()
	}
	if got, err := p.CheckURL(with(func(url.Values) {}), pushNow); err != nil || got != "4375120948345356249" {
		t.Errorf("%q, %v", got, err)
	}
	for name, query := range map[string]string{
		"no echostr":      with(func(q url.Values) { q.Del("echostr") }),
		"an echo of HTML": with(func(q url.Values) { q.Set("echostr", "<script>") }),
		"a long echo":     with(func(q url.Values) { q.Set("echostr", strings.Repeat("1", 65)) }),
		"two echoes":      with(func(q url.Values) { q["echostr"] = []string{"1", "2"} }),
		"wrong signature": with(func(q url.Values) { q.Set("signature", "x") }),
		"eleven digits":   with(func(q url.Values) { q.Set("timestamp", q.Get("timestamp")+"0") }),
		"a plus sign":     with(func(q url.Values) { q.Set("timestamp", "+"+q.Get("timestamp")[1:]) }),
		"no nonce":        with(func(q url.Values) { q.Set("nonce", ""); q.Set("signature", pushSign(q.Get("timestamp"), "")) }),
		"a broken escape": with(func(url.Values) {}) + "&x=%zz",
		"a semicolon":     with(func(url.Values) {}) + ";x=1",
		"eleven minutes": with(func(q url.Values) {
			old := pushQuery(pushNow.Add(-11*time.Minute), "1", "")
			q["timestamp"], q["nonce"], q["signature"] = old["timestamp"], old["nonce"], old["signature"]
		}),
		"empty": "",
	} {
		if got, err := p.CheckURL(query, pushNow); err != wechat.ErrPush || got != "" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestRepliesAreEncryptedInTheFormatOfThePush(t *testing.T) {
	t.Parallel()
	p := newPush(t, false)
	encrypted := pushEncrypt(pushXML(pushNow, ""))
	const reply = `<xml><Content><![CDATA[好 ]]]]><![CDATA[>]]></Content></xml>`
	for contentType, body := range map[string]string{"text/xml": encryptedXML(encrypted), "application/json": encryptedJSON(encrypted)} {
		m, err := p.Open(pushQuery(pushNow, "1", encrypted).Encode(), []byte(body), pushNow)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Encrypt      string
			MsgSignature string
			TimeStamp    json.Number
			Nonce        string
		}
		first, replyType := p.Reply(m, []byte(reply), pushNow)
		second, _ := p.Reply(m, []byte(reply), pushNow)
		if replyType != contentType || bytes.Equal(first, second) {
			t.Errorf("%s: %s as %s", contentType, first, replyType)
		}
		decode := map[string]func([]byte, any) error{"text/xml": xml.Unmarshal, "application/json": json.Unmarshal}[contentType]
		if err := decode(first, &got); err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		if got.MsgSignature != pushSign(got.TimeStamp.String(), got.Nonce, got.Encrypt) || got.TimeStamp.String() != strconv.FormatInt(pushNow.Unix(), 10) || len(got.Nonce) != 10 {
			t.Errorf("%+v", got)
		}
		if plain := decryptReply(t, got.Encrypt); plain != reply+appID {
			t.Errorf("%q", plain)
		}
	}
	m := wechat.PushMessage{}
	if body, _ := newPush(t, true).Reply(m, []byte(reply), pushNow); string(body) != reply {
		t.Errorf("in plain mode: %s", body)
	}
}

// decryptReply returns the message and the appid behind it.
func decryptReply(t *testing.T, encrypted string) string {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(encrypted)
	if err != nil || len(data)%32 != 0 {
		t.Fatalf("%d bytes, %v", len(data), err)
	}
	key, _ := base64.StdEncoding.DecodeString(pushKey + "=")
	block, _ := aes.NewCipher(key)
	cipher.NewCBCDecrypter(block, key[:16]).CryptBlocks(data, data)
	data = data[:len(data)-int(data[len(data)-1])]
	length := binary.BigEndian.Uint32(data[16:])
	if int(length) != len(data)-20-len(appID) {
		t.Errorf("length %d of %d", length, len(data))
	}
	return string(data[20:])
}

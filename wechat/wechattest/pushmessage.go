package wechattest

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// message returns the unencrypted message in the format of the settings.
func (p pusher) message(fields map[string]json.RawMessage) []byte {
	all := map[string]json.RawMessage{
		"ToUserName":   mustJSON("gh_" + p.user.AppID[max(len(p.user.AppID)-12, 0):]),
		"FromUserName": mustJSON(p.user.OpenID),
		"CreateTime":   mustJSON(p.at.Unix()),
		"MsgType":      mustJSON("text"),
	}
	maps.Copy(all, fields)
	if _, present := all["MsgId"]; !present && string(all["MsgType"]) != `"event"` {
		all["MsgId"] = mustJSON(newMsgID())
	}
	if p.settings.XML {
		return pushXML(all)
	}
	return mustJSON(all)
}

// pushXML encodes strings as CDATA, numbers as text, and structures as nested elements.
func pushXML(fields map[string]json.RawMessage) []byte {
	var b strings.Builder
	b.WriteString("<xml>")
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		writeXML(&b, name, fields[name])
	}
	b.WriteString("</xml>")
	return []byte(b.String())
}

func writeXML(b *strings.Builder, name string, value json.RawMessage) {
	var text string
	var nested map[string]json.RawMessage
	var list []json.RawMessage
	switch {
	case json.Unmarshal(value, &text) == nil:
		fmt.Fprintf(b, "<%s><![CDATA[%s]]></%s>", name, strings.ReplaceAll(text, "]]>", "]]]]><![CDATA[>"), name)
	case json.Unmarshal(value, &nested) == nil:
		fmt.Fprintf(b, "<%s>", name)
		for _, n := range slices.Sorted(maps.Keys(nested)) {
			writeXML(b, n, nested[n])
		}
		fmt.Fprintf(b, "</%s>", name)
	case json.Unmarshal(value, &list) == nil:
		for _, v := range list {
			writeXML(b, name, v)
		}
	default:
		fmt.Fprintf(b, "<%s>%s</%s>", name, value, name)
	}
}

// newMsgID returns an id of 16 to 19 digits: more than a float64 can represent.
func newMsgID() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return int64(binary.BigEndian.Uint64(b[:])>>1)%8_000_000_000_000_000_000 + 1_000_000_000_000_000
}

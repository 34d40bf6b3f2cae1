package wechat_test

import (
	"strings"
	"testing"

	"wxgate/wechat"
)

func TestIPIsParsedFromWhitelistError(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: 62a0-1-2": "203.0.113.7",
		"invalid ip 203.0.113.7, not in whitelist hint: [1]":                             "203.0.113.7",
		"invalid ip 2001:db8::1 not in whitelist":                                        "2001:db8::1",
		"not in whitelist": "",
		"":                 "",
	} {
		e := &wechat.Error{API: "/cgi-bin/stable_token", Code: 40164, Message: message}
		if got := e.IP(); got != want {
			t.Errorf("%q: %q", message, got)
		}
		if hint := e.Hint(); !strings.Contains(hint, "whitelist") || !strings.Contains(hint, want) {
			t.Errorf("%q: %q", message, hint)
		}
	}
}

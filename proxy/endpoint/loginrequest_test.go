package endpoint

import (
	"strings"
	"testing"
)

func TestLoginSelectsTheApp(t *testing.T) {
	t.Parallel()
	const referer = "https://servicewechat.com/%s/12/page-frame.html"
	refererOf := func(app string) string { return strings.Replace(referer, "%s", app, 1) }
	oneApp, twoApps := &Config{Apps: []string{"wxa"}}, &Config{Apps: []string{"wxa", "wxb"}}
	for name, test := range map[string]struct {
		config         *Config
		named, referer string
		want           string // "": refused
	}{
		"the only app":                     {oneApp, "", "", "wxa"},
		"the only app, Referer of another": {oneApp, "", refererOf("wxz"), "wxa"},
		"appid":                            {twoApps, "wxb", "", "wxb"},
		"appid and Referer":                {twoApps, "wxb", refererOf("wxb"), "wxb"},
		"Referer":                          {twoApps, "", refererOf("wxb"), "wxb"},
		"not served":                       {twoApps, "wxz", "", ""},
		"appid and Referer differ":         {twoApps, "wxa", refererOf("wxb"), ""},
		"neither":                          {twoApps, "", "", ""},
		"Referer of another host":          {twoApps, "", "https://servicewechat.com.evil.test/wxb/1/", ""},
		"Referer over plain HTTP":          {twoApps, "", "http://servicewechat.com/wxb/1/", ""},
		"Referer that is no URL":           {twoApps, "", "https://servicewechat.com/%zz", ""},
		"Referer with a userinfo":          {twoApps, "", "https://servicewechat.com@evil.test/wxb/", ""},
		"appid with a leading space":       {twoApps, " wxb", "", ""},
	} {
		got, err := test.config.selectApp(test.named, test.referer)
		if got != test.want && err == nil || (err == nil) != (test.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestIdempotencyKeysHave16To128PrintableCharacters(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]bool{
		strings.Repeat("k", 16): true, strings.Repeat("k", 128): true, strings.Repeat("k", 15): false, strings.Repeat("k", 129): false,
		"": false, strings.Repeat("k", 16) + " ": false, strings.Repeat("é", 16): false,
	} {
		if _, err := idempotencyKey([]string{key}); (err == nil) != want {
			t.Errorf("%q: %v", key, err)
		}
	}
	if key, err := idempotencyKey(nil); key != "" || err != nil {
		t.Errorf("no header: %q, %v", key, err)
	}
	if _, err := idempotencyKey([]string{strings.Repeat("a", 16), strings.Repeat("b", 16)}); err == nil {
		t.Error("two keys were accepted")
	}
}
